"""The audit log in the back office: read-only, with search and filters."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from tradepost import formats
from tradepost.audit.actions import MODELS
from tradepost.audit.actor import ActorKind
from tradepost.audit.diff import FieldChange, differences, model_of
from tradepost.audit.models import Entry
from tradepost.backoffice.ui import formatters, links
from tradepost.backoffice.ui.dates import DayFilter
from tradepost.backoffice.ui.pagination import NewestChangeList, UncountedListMixin
from tradepost.backoffice.ui.read_only import ReadOnlyMixin
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import ChoicesDropdownFilter, DropdownFilter, ModelAdmin, RadioFilter

SHOWN_IN_LIST_MAX = 3
KIND_COLOURS = {ActorKind.STAFF: "primary", ActorKind.CUSTOMER: "info", ActorKind.DATABASE: "warning"}
ACTION_COLOURS = {Entry.ADD: "success", Entry.CHANGE: "info", Entry.DELETE: "danger"}


class HistoryFilter(RadioFilter):
    """All entries about one row, and about the rows that its page shows. The row's History button leads here."""

    title = "history of"
    parameter_name = "of"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        chosen = request.GET.get(self.parameter_name, "")
        return [(chosen, chosen.replace(":", " "))] if chosen else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        model, _, object_id = (self.value() or "").replace("\x00", "").partition(":")
        if not model:
            return queryset
        return queryset.filter(Q(model=model, object_id=object_id) | Q(owner_model=model, owner_id=object_id))


class ModelFilter(DropdownFilter):
    title = "what"
    parameter_name = "what"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, _model_name(name)) for name in sorted(MODELS, key=_model_name)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(model=self.value()) if self.value() else queryset


class EntryChangeList(NewestChangeList):
    """A page of entries. What their changes refer to is looked up once for the page."""

    def get_results(self, request: HttpRequest) -> None:
        """Add the changed fields to each entry."""
        super().get_results(request)
        changes = differences(self.result_list)
        for entry in self.result_list:
            entry.differences = changes[entry.pk]


@register(Entry)
class EntryAdmin(ReadOnlyMixin, UncountedListMixin, ModelAdmin[Entry]):
    """Who changed what, from where, and when; the newest first."""

    list_display = ("happened", "who", "what", "action_shown", "changes", "from_where")
    list_filter = (
        ("actor_kind", ChoicesDropdownFilter),
        ModelFilter,
        ("action", ChoicesDropdownFilter),
        ("at", DayFilter),
        HistoryFilter,
    )
    list_filter_submit = True
    list_fullwidth = True
    list_select_related = ("acting_as",)
    sortable_by = ()
    ordering = ("-id",)
    search_fields = ("actor_name", "label", "=object_id", "=address")
    search_help_text = "Person, object, id or IP address"
    happened = formatters.timestamp_column("at", "at")
    happened_exactly = formatters.timestamp_column("at", "at", exact=True)
    readonly_fields = ("happened_exactly", "who", "from_where", "action_shown", "what", "all_changes")
    fields = (("happened_exactly", "from_where"), ("who", "action_shown"), "what", "all_changes")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return EntryChangeList

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show an entry without a History button: an entry has no history."""
        return super().change_view(request, object_id, form_url, {"show_history": False, **(extra_context or {})})

    @admin.display(description="who")
    def who(self, entry: Entry) -> SafeString:
        """Show the actor, and as whom the actor was logged in during impersonation."""
        badge = formatters.badge(entry.actor_kind, KIND_COLOURS.get(ActorKind(entry.actor_kind), ""))
        name = format_html('{} <span class="tp-nowrap">{}</span>', badge, entry.actor_name)
        return format_html("{} as {}", name, entry.acting_as) if entry.acting_as_id else name

    @admin.display(description="from where")
    def from_where(self, entry: Entry) -> str:
        return entry.address or formats.NOTHING

    @admin.display(description="action")
    def action_shown(self, entry: Entry) -> SafeString:
        return formatters.badge(entry.get_action_display().lower(), ACTION_COLOURS.get(entry.action, ""))

    @admin.display(description="what")
    def what(self, entry: Entry) -> SafeString:
        name = f"{_model_name(entry.model)} {entry.label or entry.object_id}".strip()
        url = _page_url(entry)
        return format_html('<a class="tp-link" href="{}">{}</a>', url, name) if url else formatters.truncated(name)

    @admin.display(description="changes")
    def changes(self, entry: Entry) -> SafeString:
        """Show the first changed fields only. Of a new row, show none."""
        changes: list[FieldChange] = entry.differences  # type: ignore[attr-defined] # set by `EntryChangeList`
        shown = [] if entry.action == Entry.ADD else changes[:SHOWN_IN_LIST_MAX]
        link = reverse("admin:audit_entry_change", args=[entry.pk])
        context = {"differences": shown, "more": len(changes) - len(shown), "link": link}
        return _render("backoffice/audit_entry_short.html", context)

    @admin.display(description="changes")
    def all_changes(self, entry: Entry) -> SafeString:
        return _render("backoffice/audit_entry.html", {"differences": differences([entry])[entry.pk]})


def _render(template: str, context: dict[str, Any]) -> SafeString:
    return mark_safe(render_to_string(template, context).strip())  # noqa: S308 - the template escapes


def _model_name(name: str) -> str:
    model = model_of(name)
    return str(model._meta.verbose_name) if model else name  # noqa: SLF001 - documented


def _page_url(entry: Entry) -> str:
    """Return the URL of the row's page, else of its owner's page; empty if the reader may open neither."""
    for name, object_id in ((entry.model, entry.object_id), (entry.owner_model, entry.owner_id)):
        model = model_of(name) if object_id else None
        if model and links.may_view(model):
            return reverse(f"admin:{name.replace('.', '_')}_change", args=[object_id])
    return ""
