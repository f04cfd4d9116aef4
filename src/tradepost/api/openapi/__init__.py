"""The API's documentation, generated from the same tables that the API uses to read requests."""
