"""Filters of the back office's templates: numbers and times, as `formats` writes them."""

from django import template

from tradepost import formats

register = template.Library()
register.simple_tag(formats.zone_label, name="time_zone")
register.filter("count", formats.whole)
register.filter("day", formats.day)
register.filter("moment", formats.moment_html)
register.filter("ago", formats.ago_html)
