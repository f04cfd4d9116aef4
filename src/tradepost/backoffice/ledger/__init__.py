"""The ledger in the back office: the books, payments by hand, and payment limits."""
