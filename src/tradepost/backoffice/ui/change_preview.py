"""A page that previews a change of many rows before staff confirm it.

Form and preview are one page, which is posted for both steps, so nothing that staff typed is lost. Staff confirm
exactly what they saw: if the rows or the form have changed meanwhile, the page shows the new preview instead of
applying it.
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
    """What a change would do, and to how many rows (`count`). Put the rows that need attention first.

    The `repr` of a row must hold everything that matters about it: the fingerprint is made from it. `cells` renders one
    row.
    """

    summary: str
    headers: Sequence[str]
    rows: Sequence[Row]
    cells: Callable[[Row], Sequence[Cell]]
    count: int
    warnings: Sequence[str] = ()

    @property
    def shown(self) -> list[Sequence[Cell]]:
        """The rendered rows, up to `ROWS_SHOWN_MAX`."""
        return [self.cells(row) for row in self.rows[:ROWS_SHOWN_MAX]]

    @property
    def hidden_count(self) -> int:
        """How many rows the page leaves out."""
        return max(len(self.rows) - ROWS_SHOWN_MAX, 0)

    @property
    def fingerprint(self) -> str:
        """A hash that the page posts back to prove that it showed this preview."""
        return hashlib.sha256(repr((self.summary, self.rows)).encode()).hexdigest()


def is_submitted(request: HttpRequest) -> bool:
    """Return whether staff have submitted the form, rather than opened the page or chosen the action."""
    return request.method == "POST" and "step" in request.POST


def is_confirmed(request: HttpRequest, proposal: ChangePreview[Any]) -> bool:
    """Return whether staff have seen exactly this preview and confirmed it. A preview of no rows can't be confirmed."""
    is_apply = request.POST.get("step") == "apply" and proposal.count > 0
    return is_apply and request.POST.get("seen") == proposal.fingerprint


def preview_page(
    request: HttpRequest,
    *,
    title: str,
    text: str,
    form: forms.Form,
    proposal: ChangePreview[Any] | None = None,
    **more: Any,
) -> TemplateResponse:
    """Render the form and, once it has been submitted, the preview of its change.

    `more` may hold `hidden` (pairs of further fields), `fieldsets` (as in an admin), `back` (a URL) and `opts`.
    """
    context = {
        **site.each_context(request),
        "title": title,
        "text": text,
        "form": form,
        "groups": _field_groups(form, more.pop("fieldsets", ())),
        "proposal": proposal,
        "is_stale": proposal is not None and request.POST.get("step") == "apply",
        "has_files": form.is_multipart(),
        **more,
    }
    return TemplateResponse(request, "backoffice/ui/change_preview.html", context)


def _field_groups(form: forms.Form, fieldsets: Sequence[tuple[str, Sequence[str]]]) -> list[Mapping[str, Any]]:
    sets = fieldsets or [("", list(form.fields))]
    return [{"title": title, "fields": [form[name] for name in names]} for title, names in sets]
