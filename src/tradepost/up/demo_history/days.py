"""How far back the demo's past goes."""

from datetime import timedelta

DAYS = 33
JUST_NOW = timedelta(minutes=15)  # the newest order came in so long ago, and is over
