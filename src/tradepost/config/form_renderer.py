"""The renderer of form fields. It writes inputs itself: a list that can be edited has hundreds of them.

Django's templates for an input take several times as long as the rest of a row. All other fields have templates.
"""

import html
from collections.abc import Mapping
from typing import Any

from django.forms.renderers import DjangoTemplates
from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe

# Django's templates that consist of `django/forms/widgets/input.html`.
INPUT_TEMPLATES = frozenset(
    f"django/forms/widgets/{name}.html"
    for name in ("checkbox", "date", "email", "hidden", "input", "number", "password", "text", "time", "url")
)


class FormRenderer(DjangoTemplates):
    """Django's renderer, with inputs written as `django/forms/widgets/input.html` writes them."""

    def render(self, template_name: str, context: Mapping[str, Any], request: HttpRequest | None = None) -> str:
        if template_name in INPUT_TEMPLATES:
            return _input(context["widget"])
        return super().render(template_name, dict(context), request)


def _input(widget: Mapping[str, Any]) -> SafeString:
    value = "" if widget["value"] is None else f' value="{_escaped(widget["value"])}"'
    attributes = "".join(
        f" {_escaped(name)}" if value is True else f' {_escaped(name)}="{_escaped(value)}"'
        for name, value in widget["attrs"].items()
        if value is not False
    )
    start = f'<input type="{_escaped(widget["type"])}" name="{_escaped(widget["name"])}"'
    return mark_safe(f"{start}{value}{attributes}>")  # noqa: S308 - each part is escaped


def _escaped(value: object) -> str:
    """Escape a value unless it is safe, as templates do. Django's `escape` also takes lazy texts, which costs more."""
    return value if isinstance(value, SafeString) else html.escape(str(value))
