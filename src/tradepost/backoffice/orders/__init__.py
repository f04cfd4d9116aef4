"""Orders in the back office: the list and what is done to many at once, work by hand, and what waits for a person."""
