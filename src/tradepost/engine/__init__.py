"""The data plane: orders and money, as plain functions over a psycopg connection and a batch.

Imports no Django. None of these functions commits: the caller owns the transaction.
"""
