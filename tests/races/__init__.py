"""Concurrent operations, and controls which show that they would go wrong without the locks."""
