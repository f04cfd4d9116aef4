"""How far back the demo's past goes."""

from datetime import timedelta

DAYS = 33
NEWEST_ORDER_AGE = timedelta(minutes=15)  # the newest order is this old, and has ended
