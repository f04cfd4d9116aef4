"""Changes of many rows that a person looks at before they are made: a form, what it would do, and then it is done.

Form and proposal are on one page, which is posted again and again: nothing that was typed is lost. What is agreed to is
what was shown: if the rows or the form have changed meanwhile, the new proposal is shown instead.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from django import forms
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString

from tradepost.backoffice.ui.site import site

ROWS_SHOWN_MAX = 300

type Cell = str | SafeString


class ChangePreview[Row](msgspec.Struct, frozen=True):
    """What would be done, and to how many rows; those shown first are those to look at first.

    A row is whatever has a `repr` that tells all of it; `cells` writes one as the page shows it.
    """

    summary: str
    headers: Sequence[str]
    rows: Sequence[Row]
    cells: Callable[[Row], Sequence[Cell]]
    count: int
    warnings: Sequence[str] = ()

    @property
    def shown(self) -> list[Sequence[Cell]]:
        """As many rows as a page holds."""
        return [self.cells(row) for row in self.rows[:ROWS_SHOWN_MAX]]

    @property
    def hidden_count(self) -> int:
        """How many rows there are beside those."""
        return max(len(self.rows) - ROWS_SHOWN_MAX, 0)

    @property
    def seen(self) -> str:
        """What the page sends back, to prove that this is what it showed."""
        return hashlib.sha256(repr((self.summary, self.rows)).encode()).hexdigest()


def is_asked(request: HttpRequest) -> bool:
    """Tell whether the form was filled in, and not merely asked for."""
    return request.method == "POST" and "step" in request.POST


def is_agreed(request: HttpRequest, proposal: ChangePreview[Any]) -> bool:
    """Tell whether a person has seen just this and wants it done."""
    wants = request.POST.get("step") == "apply" and proposal.count > 0
    return wants and request.POST.get("seen") == proposal.seen


def page(
    request: HttpRequest,
    *,
    title: str,
    text: str,
    form: forms.Form,
    proposal: ChangePreview[Any] | None = None,
    **more: Any,
) -> TemplateResponse:
    """Show the form and, once it has been filled in, what it would do.

    `more` may have `hidden`, pairs of further fields, `fieldsets`, as in an admin, `back`, an address, and `opts`.
    """
    context = {
        **site.each_context(request),
        "title": title,
        "text": text,
        "form": form,
        "groups": _groups(form, more.pop("fieldsets", ())),
        "proposal": proposal,
        "is_stale": proposal is not None and request.POST.get("step") == "apply",
        "has_files": form.is_multipart(),
        **more,
    }
    return TemplateResponse(request, "backoffice/ui/change_preview.html", context)


def _groups(form: forms.Form, fieldsets: Sequence[tuple[str, Sequence[str]]]) -> list[Mapping[str, Any]]:
    sets = fieldsets or [("", list(form.fields))]
    return [{"title": title, "fields": [form[name] for name in names]} for title, names in sets]
