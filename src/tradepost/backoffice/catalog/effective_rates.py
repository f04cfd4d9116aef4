"""What an account pays: each rate with the rule that sets it, computed by the engine."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from tradepost.accounts.models import Account
from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.site import site
from tradepost.catalog.models import PriceList, PriceListMember, Service
from tradepost.database import engine_connection
from tradepost.engine.catalog import current_catalog
from tradepost.engine.order_types import wire_id
from tradepost.engine.price_lists import Price, PriceRule

ROWS_MAX = 100
COLOURS = {
    PriceRule.CUSTOM: "primary",
    PriceRule.LISTED: "info",
    PriceRule.CATEGORY: "info",
    PriceRule.DISCOUNT: "info",
}


def effective_rates(request: HttpRequest) -> HttpResponse:
    """Show the rates of the account and the services that the user searched for."""
    if not request.user.has_perm("catalog.view_pricelist"):
        raise PermissionDenied
    email, text = request.GET.get("account", "").strip(), request.GET.get("q", "").strip()
    account = Account.objects.filter(email=email.lower()).first() if email else None
    membership = PriceListMember.objects.filter(account=account).select_related("price_list").first()
    context = {
        **site.each_context(request),
        "title": "Who pays what",
        "opts": PriceList._meta,  # noqa: SLF001 - documented
        "address": email,
        "text": text,
        "account": account,
        "price_list": membership.price_list if membership else None,
        "rows": _rows(account, text) if account else [],
        "rows_max": ROWS_MAX,
    }
    return TemplateResponse(request, "backoffice/catalog/effective_rates.html", context)


def _rows(account: Account, text: str) -> list[dict[str, Any]]:
    """Price the matching services that are on sale."""
    connection = engine_connection()
    catalog = current_catalog(connection)
    catalog.load_rates(connection, {account.pk})
    offered = [(service, catalog.service(str(service.pk))) for service in _matching_services(text)]
    priced = [(service, catalog.price(account.pk, offer)) for service, offer in offered if offer]
    places = formatters.rate_places(rate for service, price in priced for rate in (service.rate, price.rate))
    return [_row(service, price, places) for service, price in priced]


def _matching_services(text: str) -> list[Service]:
    services = Service.objects.filter(is_active=True).select_related("category")
    for word in text.split():
        by_id = Q(pk=wire_id(word)) if wire_id(word) else Q()
        services = services.filter(Q(name__icontains=word) | Q(category__name__icontains=word) | by_id)
    return list(services[:ROWS_MAX])


def _row(service: Service, price: Price, places: int) -> dict[str, Any]:
    return {
        "service": service,
        "rate": formatters.rate(price.rate, places),
        "everybodys": formatters.rate(service.rate, places),
        "rule": formatters.badge(price.rule.label, COLOURS.get(price.rule, "")),
        "is_raised": price.is_raised,
    }
