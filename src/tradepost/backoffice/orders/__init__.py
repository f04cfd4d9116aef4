"""Orders in the back office: the list, bulk actions, work by hand, and orders that wait for staff."""
