"""The catalog as sheets: CSV and XLSX files, and what their rows make of categories, services and custom rates."""
