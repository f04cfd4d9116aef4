"""The back office, as staff and others see it."""
