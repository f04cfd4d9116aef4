"""How far the limits that operators set may go."""

LINES_MAX = 1_000  # of a mass order: what one batch of the engine takes
KEYS_AT_FIRST, KEYS_MAX = 100, 1_000  # good ones, of one account
