"""The engine, by its functions on a real database."""
