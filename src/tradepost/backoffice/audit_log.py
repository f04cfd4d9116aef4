"""The audit log in the back office: to read, search and narrow down; nobody can change it."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from tradepost.audit.actions import MODELS
from tradepost.audit.actor import ActorKind
from tradepost.audit.diff import FieldChange, differences, model_of
from tradepost.audit.models import Entry
from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.dates import DayFilter
from tradepost.backoffice.ui.pagination import NewestList, UncountedListMixin
from tradepost.backoffice.ui.read_only import ReadOnlyMixin
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import ChoicesDropdownFilter, DropdownFilter, ModelAdmin, RadioFilter

SHOWN_IN_LIST_MAX = 3
KIND_COLOURS = {ActorKind.STAFF: "primary", ActorKind.CUSTOMER: "info", ActorKind.DATABASE: "warning"}
ACTION_COLOURS = {Entry.ADD: "success", Entry.CHANGE: "info", Entry.DELETE: "danger"}


class OfFilter(RadioFilter):
    """Everything about one row, and about what stands on its page: where its History leads."""

    title = "history of"
    parameter_name = "of"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer what is chosen already."""
        of = request.GET.get(self.parameter_name, "")
        return [(of, of.replace(":", " "))] if of else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list down."""
        model, _, row = (self.value() or "").replace("\x00", "").partition(":")
        if not model:
            return queryset
        return queryset.filter(Q(model=model, object_id=row) | Q(owner_model=model, owner_id=row))


class ModelFilter(DropdownFilter):
    """What kind of thing was changed."""

    title = "what"
    parameter_name = "what"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer what is watched."""
        return [(name, _called(name)) for name in sorted(MODELS, key=_called)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list down."""
        return queryset.filter(model=self.value()) if self.value() else queryset


class EntryList(NewestList):
    """A page of entries, with what their changes point to looked up once."""

    def get_results(self, request: HttpRequest) -> None:
        """Bring the differences along."""
        super().get_results(request)
        found = differences(self.result_list)
        for entry in self.result_list:
            entry.differences = found[entry.pk]


@register(Entry)
class EntryAdmin(ReadOnlyMixin, UncountedListMixin, ModelAdmin[Entry]):
    """Who changed what, from where, and when; the newest first."""

    list_display = ("happened", "who", "what", "action_shown", "changes", "from_where")
    list_filter = (
        ("actor_kind", ChoicesDropdownFilter),
        ModelFilter,
        ("action", ChoicesDropdownFilter),
        ("at", DayFilter),
        OfFilter,
    )
    list_filter_submit = True
    list_fullwidth = True
    list_select_related = ("acting_as",)
    sortable_by = ()
    ordering = ("-id",)
    search_fields = ("actor_name", "label", "=object_id", "=address")
    search_help_text = "Who, what, its id or an IP address"
    happened = formatters.time_of("at", "at")
    happened_exactly = formatters.time_of("at", "at", exact=True)
    readonly_fields = ("happened_exactly", "who", "from_where", "action_shown", "what", "all_changes")
    fields = (("happened_exactly", "from_where"), ("who", "action_shown"), "what", "all_changes")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """List the newest, with their differences."""
        return EntryList

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show it without a way to its own history, which it has none of."""
        return super().change_view(request, object_id, form_url, {"show_history": False, **(extra_context or {})})

    @admin.display(description="who")
    def who(self, entry: Entry) -> SafeString:
        """Show who it was, and as whom if logged in as somebody else."""
        badge = formatters.badge(entry.actor_kind, KIND_COLOURS.get(ActorKind(entry.actor_kind), ""))
        name = format_html('{} <span class="tp-nowrap">{}</span>', badge, entry.actor_name)
        return format_html("{} as {}", name, entry.acting_as) if entry.acting_as_id else name

    @admin.display(description="from where")
    def from_where(self, entry: Entry) -> str:
        """Show the IP address."""
        return entry.address or formatters.NOTHING

    @admin.display(description="action")
    def action_shown(self, entry: Entry) -> SafeString:
        """Show what was done."""
        return formatters.badge(entry.get_action_display().lower(), ACTION_COLOURS.get(entry.action, ""))

    @admin.display(description="what")
    def what(self, entry: Entry) -> SafeString:
        """Name the row, and lead to its page."""
        name = f"{_called(entry.model)} {entry.label or entry.object_id}".strip()
        address = _page_of(entry)
        return format_html('<a class="tp-link" href="{}">{}</a>', address, name) if address else formatters.short(name)

    @admin.display(description="changes")
    def changes(self, entry: Entry) -> SafeString:
        """Show the first of the fields that were changed."""
        found: list[FieldChange] = entry.differences  # type: ignore[attr-defined] # by the list
        shown = [] if entry.action == Entry.ADD else found[:SHOWN_IN_LIST_MAX]
        link = reverse("admin:audit_entry_change", args=[entry.pk])
        context = {"differences": shown, "more": len(found) - len(shown), "link": link}
        return _written("backoffice/audit_entry_short.html", context)

    @admin.display(description="changes")
    def all_changes(self, entry: Entry) -> SafeString:
        """Show every field that was changed, as it was and as it is."""
        return _written("backoffice/audit_entry.html", {"differences": differences([entry])[entry.pk]})


def _written(template: str, context: dict[str, Any]) -> SafeString:
    return mark_safe(render_to_string(template, context).strip())  # noqa: S308 - it escapes


def _called(name: str) -> str:
    model = model_of(name)
    return str(model._meta.verbose_name) if model else name  # noqa: SLF001 - documented


def _page_of(entry: Entry) -> str:
    """Return the address of the row's page, or of the one that it stands on; nothing if there is none."""
    for name, row in ((entry.model, entry.object_id), (entry.owner_model, entry.owner_id)):
        try:
            if row:
                return reverse(f"admin:{name.replace('.', '_')}_change", args=[row])
        except NoReverseMatch:
            continue
    return ""
