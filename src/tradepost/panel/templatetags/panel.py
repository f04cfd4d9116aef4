"""How the panel's templates write amounts, states and addresses."""

from decimal import Decimal

from django import template
from django.forms import BoundField
from django.http import QueryDict
from django.template.context import Context
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from tradepost.engine import money
from tradepost.engine.ledger import TransferKind
from tradepost.engine.statuses import Status

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

# The words of the protocol and the ledger, named here for whoever gathers the texts to translate.
WORDS = (
    _("Pending"), _("Processing"), _("In progress"), _("Completed"), _("Partial"), _("Canceled"), _("Active"),
    _("Paused"), _("Expired"), _("Rejected"), _("Error"), _("Order"), _("Refund of the undelivered part"),
    _("Refund of a canceled order"), _("Refund of runs or posts not made"), _("Top-up"), _("Correction"),
    _("open"), _("accepted"), _("rejected"),
)  # fmt: skip


@register.filter
def amount(value: Decimal | None) -> str:
    """Write an amount or a rate for people: as the API does, with the thousands apart."""
    if value is None:
        return "–"
    whole, _dot, decimals = money.show(value).partition(".")
    return f"{whole[:1] if whole.startswith('-') else ''}{int(whole.lstrip('-')):,}.{decimals}"


@register.filter
def count(value: int | None) -> str:
    """Write a number of things with the thousands apart."""
    return "–" if value is None else f"{value:,}"


@register.filter
def tone(status: str) -> str:
    """Return which colour a status has."""
    return TONES.get(status, "waiting")


@register.filter
def word(value: str) -> str:
    """Translate a word of the protocol."""
    return gettext(value)


@register.filter
def kind(value: str) -> str:
    """Call a transfer's kind as a statement does."""
    return gettext(TransferKind(value).label)


@register.filter
def is_web(link: str) -> bool:
    """Tell whether a link may be followed: it is whatever a customer typed."""
    return link.startswith(("https://", "http://"))


@register.filter
def dressed(field: BoundField) -> SafeString:
    """Write a form's field in the classes of the CSS framework."""
    kind = {"checkbox": "form-check-input", "select": "form-select", "radioselect": "choices"}
    dress = kind.get(field.widget_type, "form-control")
    return field.as_widget(attrs={"class": f"{dress} is-invalid" if field.errors else dress})


@register.simple_tag(takes_context=True)
def query(context: Context, **changes: object) -> str:
    """Return the page's own query with these parameters changed, those that are nothing left out."""
    parameters: QueryDict = context["request"].GET.copy()
    for name, value in changes.items():
        if value in {None, ""}:
            parameters.pop(name, None)
        else:
            parameters[name] = str(value)
    return f"?{parameters.urlencode()}" if parameters else "?"
