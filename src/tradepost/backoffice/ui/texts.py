"""What lists are called, and what they say when they are empty, in place of the framework's words."""

from typing import Any, NamedTuple

from django.utils.text import capfirst


class ListTexts(NamedTuple):
    """The words of a list. `is_good` lists are empty when all is well."""

    title: str = ""
    empty: str = "Nothing here yet"
    explanation: str = ""
    is_good: bool = False
    noun: str = ""
    nouns: str = ""


# By the label of the model. A list without a title here is called as its model, in the plural.
LISTS = {
    "orders.order": ListTexts(empty="No orders yet", explanation="Orders that customers place show up here."),
    "orders.stuckorder": ListTexts(
        "Stuck orders",
        "Nothing is stuck",
        "An order shows up here when it takes longer than orders of its service usually do.",
        is_good=True,
    ),
    "orders.upstreamorder": ListTexts(
        "Needs review",
        "Nothing to review",
        "An order shows up here when its provider did not confirm it, or when every provider refused it.",
        is_good=True,
        noun="order",
        nouns="orders",
    ),
    "orders.bulkaction": ListTexts(
        empty="No bulk actions yet", explanation="Tick orders in the list of orders and choose an action."
    ),
    "orders.refill": ListTexts(empty="No refills yet", explanation="Refills that customers request show up here."),
    "orders.cancelrequest": ListTexts(
        empty="No cancel requests", explanation="Requests of customers to cancel an order show up here.", is_good=True
    ),
    "catalog.service": ListTexts(
        empty="No services yet", explanation="Add a service, or import services from a provider."
    ),
    "catalog.category": ListTexts(empty="No categories yet", explanation="Services are grouped by category."),
    "catalog.customrate": ListTexts(
        empty="No custom rates", explanation="A custom rate is the price of a service for one account."
    ),
    "catalog.pricelist": ListTexts(
        empty="No price lists", explanation="A price list gives its members a discount or rates of their own."
    ),
    "providers.provider": ListTexts(
        empty="No providers yet", explanation="Without a provider, staff fulfil orders manually."
    ),
    "providers.providerservice": ListTexts(
        "Provider services",
        "No provider services yet",
        "After its first sync, the services of a provider show up here.",
    ),
    "providers.refusaltext": ListTexts(
        "Unknown refusals",
        "No unknown refusals",
        "A refusal shows up here when Tradepost does not understand the provider's words.",
        is_good=True,
    ),
    "accounts.account": ListTexts(empty="No accounts yet", explanation="Customers who sign up show up here."),
    "accounts.key": ListTexts(
        "API keys", "No API keys yet", "Customers create keys in the panel; staff, on the page of an account."
    ),
    "accounts.impersonation": ListTexts(
        "Logins as customers",
        "Nobody has logged in as a customer",
        "Each time staff log in as a customer, it is recorded here.",
    ),
    "ledger.transfer": ListTexts("Transactions", "No transactions yet", "Charges, refunds and top-ups show up here."),
    "ledger.manualpayment": ListTexts(
        "Manual payments", "No manual payments", "Top-ups and corrections that staff make show up here."
    ),
    "ledger.paymentlimit": ListTexts(
        "Payment limits", "No payment limits", "Without a limit, only owners can make manual payments."
    ),
    "ledger.ledgeraccount": ListTexts("Balances"),
    "auth.group": ListTexts("Groups", "No groups"),
    "audit.entry": ListTexts("Audit log", "No entries", "Every change that staff make is recorded here."),
    "site_settings.sitesettings": ListTexts("Settings"),
    "procrastinate.procrastinatejob": ListTexts(
        "Jobs", "No jobs", "Background work that waits or failed shows up here.", noun="job", nouns="jobs"
    ),
}
_DEFAULT = ListTexts()


def list_title(model_admin: Any) -> str:
    """Return what the list of the model is called."""
    opts = model_admin.model._meta  # noqa: SLF001 - the documented API of models
    return LISTS.get(opts.label_lower, _DEFAULT).title or capfirst(str(opts.verbose_name_plural))


def nouns(model_admin: Any) -> tuple[str, str]:
    """Return what one row of the list is called, and what many are."""
    opts = model_admin.model._meta  # noqa: SLF001 - the documented API of models
    texts = LISTS.get(opts.label_lower, _DEFAULT)
    return texts.noun or str(opts.verbose_name), texts.nouns or str(opts.verbose_name_plural)


def list_context(model_admin: Any) -> dict[str, Any]:
    """Return what the templates of a list and of its rows say."""
    texts = LISTS.get(model_admin.model._meta.label_lower, _DEFAULT)  # noqa: SLF001 - the documented API of models
    return {
        "list_title": list_title(model_admin),
        "empty_title": texts.empty,
        "empty_text": texts.explanation,
        "empty_is_good": texts.is_good,
    }
