"""Filters and tags of the panel's templates: amounts, statuses, links, form fields and queries."""

from decimal import Decimal
from functools import lru_cache

from django import template
from django.forms import BoundField
from django.http import QueryDict
from django.template.context import Context
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from tradepost import formats
from tradepost.accounts import browsers
from tradepost.engine.ledger import TransferKind
from tradepost.engine.link_rules import WEB_SCHEMES
from tradepost.engine.statuses import Status

URLS_MAX = 10_000

register = template.Library()

TONES = {
    Status.PENDING: "waiting",
    Status.PROCESSING: "moving",
    Status.IN_PROGRESS: "moving",
    Status.COMPLETED: "good",
    Status.PARTIAL: "part",
    Status.CANCELED: "bad",
    Status.ACTIVE: "moving",
    Status.PAUSED: "part",
    Status.EXPIRED: "waiting",
    "Rejected": "bad",
    "Error": "bad",
}

# The words of the protocol and the ledger, listed here so that `scripts/messages` collects them for translation.
WORDS = (
    _("Pending"), _("Processing"), _("In progress"), _("Completed"), _("Partial"), _("Canceled"), _("Active"),
    _("Paused"), _("Expired"), _("Rejected"), _("Error"), _("Order"), _("Refund of the undelivered part"),
    _("Refund of a canceled order"), _("Refund of runs or posts not made"), _("Top-up"), _("Correction"),
    _("open"), _("accepted"), _("rejected"), _("failed"),
)  # fmt: skip


# Numbers, money and times, as `formats` writes them: `{{ order.charge|money:layout.currency }}`.
register.filter("count", formats.whole)
register.filter("money", formats.money_html)
register.filter("money_text", formats.money)  # for texts that are translated, and attributes
register.filter("rate", formats.rate_html)
register.filter("day", formats.day)
register.filter("exact_text", formats.exact_moment)
register.filter("short_day", formats.short_day)
register.filter("moment", formats.moment_html)
register.filter("ago", formats.ago_html)
register.filter("browser", browsers.readable)


@register.simple_tag(takes_context=True)
def column_rate(context: Context, value: Decimal, places: int) -> SafeString:
    """Render a rate with as many decimals as all rates of its column (`formats.rate_places`)."""
    return formats.rate_html(value, context["layout"].currency, places)


@register.filter
def tone(status: str) -> str:
    """Return the CSS class for a status's colour."""
    return TONES.get(status, "waiting")


@register.filter
def word(value: str) -> str:
    """Translate a word in `WORDS`."""
    return gettext(value)


@register.filter
def kind(value: str) -> str:
    """Return the label of a transfer's kind, translated."""
    return gettext(TransferKind(value).label)


@register.filter
def with_id(text: str, id_: int) -> str:
    """Put an id in place of `{id}` into a text that is translated once for all rows of a list."""
    return text.replace("{id}", str(id_))


@register.filter
@lru_cache(maxsize=URLS_MAX)
def order_url(id_: int) -> str:
    """Return the URL of an order's page: lists show the same orders again and again."""
    return reverse("panel:order", args=[id_])


@register.filter
def is_web(link: str) -> bool:
    """Return whether a page may link to this address, which a customer typed."""
    return link.startswith(WEB_SCHEMES)


@register.filter
def dressed(field: BoundField) -> SafeString:
    """Render a form's field with the CSS framework's classes."""
    classes = {"checkbox": "form-check-input", "select": "form-select", "radioselect": "choices"}
    class_ = classes.get(field.widget_type, "form-control")
    return field.as_widget(attrs={"class": f"{class_} is-invalid" if field.errors else class_})


@register.simple_tag(takes_context=True)
def query(context: Context, **changes: object) -> str:
    """Return the page's query string with these parameters changed. A parameter that is None or empty is removed."""
    parameters: QueryDict = context["request"].GET.copy()
    for name, value in changes.items():
        if value in {None, ""}:
            parameters.pop(name, None)
        else:
            parameters[name] = str(value)
    return f"?{parameters.urlencode()}" if parameters else "?"
