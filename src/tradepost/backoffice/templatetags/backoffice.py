"""Filters and tags of the back office's templates: numbers and times, as `formats` writes them, and parts of pages."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.forms.utils import flatatt
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from tradepost import formats

register = template.Library()
register.simple_tag(formats.zone_label, name="time_zone")
register.filter("count", formats.whole)
register.filter("day", formats.day)
register.filter("moment", formats.moment_html)
register.filter("ago", formats.ago_html)


@register.simple_tag
def select_options(options: Sequence[Mapping[str, Any]]) -> SafeString:
    """Render options as Django's `select_option.html` does, which takes long for each of a hundred categories."""
    rows = ((str(option["value"]), flatatt(option["attrs"]), option["label"]) for option in options)
    return format_html_join("", '<option value="{}"{}>{}</option>', rows)


@register.simple_block_tag
def stripped(content: SafeString) -> SafeString:
    """Return what is inside without the blanks around it, so that nothing but blanks is nothing."""
    return mark_safe(content.strip())  # noqa: S308 - rendered, and so escaped, before
