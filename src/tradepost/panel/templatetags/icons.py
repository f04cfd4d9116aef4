"""Icons of heroicons, each drawn once a process: lists have several a row, and drawing one copies its XML."""

from functools import lru_cache

from django import template
from heroicons.templatetags import heroicons

KINDS_MAX = 1_000  # of icon, size and attributes; the templates have about a hundred

register = template.Library()
register.simple_tag(lru_cache(KINDS_MAX)(heroicons.heroicon_mini), name="heroicon_mini")
register.simple_tag(lru_cache(KINDS_MAX)(heroicons.heroicon_outline), name="heroicon_outline")
