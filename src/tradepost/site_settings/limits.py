"""Bounds of the limits that operators can set."""

LINES_MAX = 1_000  # of a mass order: the engine's limit for one batch
KEYS_AT_FIRST, KEYS_MAX = 100, 1_000  # keys of one account that are not revoked: the default, and the most
