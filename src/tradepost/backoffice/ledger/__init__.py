"""The ledger in the back office: the books to read, payments by hand, and who may make them."""
