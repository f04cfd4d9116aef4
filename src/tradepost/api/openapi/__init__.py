"""The API's documentation, generated from the tables that requests are read by."""
