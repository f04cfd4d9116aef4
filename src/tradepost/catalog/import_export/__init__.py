"""Import and export of categories, services and custom rates as CSV and XLSX files."""
