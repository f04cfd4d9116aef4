"""The pages that are measured: a line each, the name and the address. To have another measured, add it."""

# What stands in braces is filled in: an order, an account, a service … of the database that was seeded.
PANEL = {
    "overview": "/dashboard/",
    "new order": "/orders/new/?service={service}",
    "services found by typing": "/orders/new/services/?q=likes+77",
    "mass order": "/orders/mass/",
    "orders": "/orders/",
    "orders, deep": "/orders/?before={middle}",
    "orders, one status": "/orders/?status=In+progress",
    "orders, by link": "/orders/?q=page/4242",
    "order": "/orders/{order}/",
    "drip-feeds": "/orders/drip-feeds/",
    "subscriptions": "/orders/subscriptions/",
    "refills": "/orders/refills/",
    "services": "/services/",
    "services, searched": "/services/?q=premium",
    "what changed": "/services/changes/",
    "money": "/money/",
    "money, one kind": "/money/?kind=top-up",
    "add funds": "/money/add/",
    "API reference": "/api/",
    "console": "/api/console/",
    "keys": "/api/keys/",
    "settings": "/settings/",
}

_ORDERS = "/admin/orders/order/"
_TRANSFERS = "/admin/ledger/transfer/"
_LAST_DAYS = "created_at_from={week_ago}&created_at_to={today}"

BACK_OFFICE = {
    "dashboard": "/admin/",
    "fulfilment": "/admin/fulfilment/",
    "orders": _ORDERS,
    "orders, page 100": f"{_ORDERS}?p=100",
    "orders, Pending": f"{_ORDERS}?status__exact=Pending",
    "orders, In progress": f"{_ORDERS}?status__exact=In+progress",
    "orders, Partial": f"{_ORDERS}?status__exact=Partial",
    "orders, unsure": f"{_ORDERS}?dispatch__exact=unsure",
    "orders, queued": f"{_ORDERS}?dispatch__exact=queued",
    "orders, drip": f"{_ORDERS}?mode__exact=drip",
    "orders, web": f"{_ORDERS}?mode__exact=web",
    "orders, of a category": f"{_ORDERS}?service__category__id__exact={{category}}",
    "orders, of a service": f"{_ORDERS}?service__id__exact={{service}}",
    "orders, of a rare service": f"{_ORDERS}?service__id__exact={{rare_service}}",
    "orders, of an account": f"{_ORDERS}?account__id__exact={{account}}",
    "orders, of a quiet account": f"{_ORDERS}?account__id__exact={{quiet_account}}",
    "orders, of a week": f"{_ORDERS}?{_LAST_DAYS}",
    "orders, of a day long ago": f"{_ORDERS}?created_at_from={{long_ago}}&created_at_to={{long_ago}}",
    "orders, Partial of a week": f"{_ORDERS}?status__exact=Partial&{_LAST_DAYS}",
    "orders, a service in a week": f"{_ORDERS}?service__id__exact={{service}}&{_LAST_DAYS}",
    "orders, an account, Canceled": f"{_ORDERS}?account__id__exact={{account}}&status__exact=Canceled",
    "orders, In progress, sent": f"{_ORDERS}?status__exact=In+progress&dispatch__exact=sent",
    "orders, by ids": f"{_ORDERS}?q={{order}}",
    "orders, by address": f"{_ORDERS}?q=customer7@bench.example",
    "orders, by link": f"{_ORDERS}?q=page/4242",
    "orders, by links": f"{_ORDERS}?link=page/4242",
    "orders, at a provider": f"{_ORDERS}?provider={{provider}}",
    "orders, at a provider, Partial": f"{_ORDERS}?provider={{provider}}&status__exact=Partial",
    "orders, of tests": f"{_ORDERS}?play=yes",
    "orders, further back": f"{_ORDERS}?status__exact=Partial&before={{middle}}",
    "order": f"{_ORDERS}{{order}}/change/",
    "work by hand": "/admin/by-hand/",
    "work by hand, cancel requests": "/admin/by-hand/cancels/",
    "work by hand, refills": "/admin/by-hand/refills/",
    "stuck orders": "/admin/orders/stuckorder/",
    "bulk actions": "/admin/orders/bulkaction/",
    "refills": "/admin/orders/refill/",
    "refills, Pending": "/admin/orders/refill/?status__exact=Pending",
    "refills, Rejected": "/admin/orders/refill/?status__exact=Rejected",
    "cancel requests": "/admin/orders/cancelrequest/",
    "cancel requests, open": "/admin/orders/cancelrequest/?state__exact=open",
    "unsure and held": "/admin/orders/upstreamorder/",
    "unsure": "/admin/orders/upstreamorder/?state=unsure",
    "transfers": _TRANSFERS,
    "transfers, charges": f"{_TRANSFERS}?kind__exact=charge",
    "transfers, top-ups": f"{_TRANSFERS}?kind__exact=top-up",
    "transfers, corrections": f"{_TRANSFERS}?kind__exact=adjustment",
    "transfers, of a day": f"{_TRANSFERS}?at_from={{week_ago}}&at_to={{week_ago}}",
    "transfers, of an order": f"{_TRANSFERS}?q={{order}}",
    "transfers, of a customer": f"{_TRANSFERS}?q=customer1@bench.example",
    "ledger accounts": "/admin/ledger/ledgeraccount/",
    "ledger accounts, below zero": "/admin/ledger/ledgeraccount/?owner=debt",
    "accounts": "/admin/accounts/account/",
    "accounts, searched": "/admin/accounts/account/?q=customer77",
    "accounts, in debt": "/admin/accounts/account/?money=debt",
    "accounts, not seen for 30 days": "/admin/accounts/account/?inactive=30",
    "accounts, not seen for 365 days": "/admin/accounts/account/?inactive=365",
    "account": "/admin/accounts/account/{account}/change/",
    "logins as customers": "/admin/accounts/loginas/",
    "payments by hand": "/admin/ledger/manualpayment/",
    "keys": "/admin/accounts/key/",
    "services": "/admin/catalog/service/",
    "services, of a category": "/admin/catalog/service/?category__id__exact={category}",
    "services, searched": "/admin/catalog/service/?q=premium",
    "service": "/admin/catalog/service/{service}/change/",
    "categories": "/admin/catalog/category/",
    "custom rates": "/admin/catalog/customrate/",
    "price lists": "/admin/catalog/pricelist/",
    "categories arranged": "/admin/catalog/category/arrange/",
    "services arranged": "/admin/catalog/category/{category}/arrange/",
    "providers": "/admin/providers/provider/",
    "what they sell": "/admin/providers/providerservice/",
    "jobs": "/admin/procrastinate/procrastinatejob/",
    "staff": "/admin/staff-list/",
    "audit log": "/admin/staff/entry/",
    "settings of the desk": "/admin/live/settings/1/change/",
    **{
        f"sales by {by}, {days}": f"/admin/reports/{by}/?preset={days}"
        for by in ("day", "service", "category", "provider", "account")
        for days in ("today", "30", "90", "year", "365")
    },
    **{f"provider quality, {days} days": f"/admin/reports/quality/?days={days}" for days in (7, 30, 90)},
    **{
        f"quality of a provider, {days} days": f"/admin/reports/quality/{{provider}}/?days={days}"
        for days in (7, 30, 90)
    },
    "sales by account, by cost": "/admin/reports/account/?preset=30&sort=-cost",
    "sales by account, page 20": "/admin/reports/account/?preset=365&page=20",
}

# Of these what counts is when they begin.
FILES = {
    f"sales by {by}, file": f"/admin/reports/{by}/file/?preset=365"
    for by in ("day", "service", "category", "provider", "account")
} | {
    "provider quality, file": "/admin/reports/quality/file/?days=90",
    "quality of a provider, file": "/admin/reports/quality/{provider}/file/?days=90",
}
