"""The demo's data in an empty database: a catalog of made-up platforms, three customers, and staff in each role."""

import json
import os
import secrets
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.contrib.auth.models import Group
from django.db import connection, transaction

from tradepost.accounts import creation, keys
from tradepost.accounts.models import Account
from tradepost.accounts.role_names import RoleName
from tradepost.catalog.models import Category, Service
from tradepost.config import environment
from tradepost.engine import money
from tradepost.engine.order_types import OrderType
from tradepost.engine.routing import Fulfilment
from tradepost.fulfilment.tasks.provider_sync import sync_provider
from tradepost.ledger import operations
from tradepost.ledger.models import PaymentLimit
from tradepost.providers.models import Provider, SyncedField
from tradepost.providers.service_import import ImportOptions, import_services, link_kind_of
from tradepost.up.demo_history import writer

CUSTOMERS = (("alice@demo.example", "1000000"), ("bob@demo.example", "1"), ("carol@demo.example", "250"))
STAFF = "staff@demo.example"
COLLEAGUES = (RoleName.MANAGER, RoleName.SUPPORT, RoleName.FULFILLER)  # their addresses: `<role>@demo.example`
# What each role may pay by hand: at once, in a day, and without a second person. Owners need no limit.
PAYMENT_LIMITS = {
    RoleName.MANAGER: (Decimal(500), Decimal(2_000), Decimal(100)),
    RoleName.SUPPORT: (Decimal(50), Decimal(200), Decimal(20)),
}
UPSTREAM = "Upstream desk"
MARKUP_PERCENT = Decimal(25)

type _Entry = tuple[str, OrderType, str, int, int, str, str]
T = OrderType

# Category: (name, type, rate, min, max, flags, average time); flags are r(efill), c(ancel), d(rip-feed).
CATALOG: dict[str, tuple[_Entry, ...]] = {
    "Pixelpond · Followers": (
        ("Pixelpond Followers · Start", T.DEFAULT, "0.90", 10, 10_000, "rcd", "25 minutes"),
        ("Pixelpond Followers · Steady", T.DEFAULT, "1.35", 50, 50_000, "rcd", "2 hours"),
        ("Pixelpond Followers · Premium", T.DEFAULT, "2.80", 50, 100_000, "rc", "4 hours"),
        ("Pixelpond Followers · Regional", T.DEFAULT, "4.15", 100, 20_000, "r", "1 day"),
        ("Pixelpond Followers · Package of 500", T.PACKAGE, "1.20", 1, 1, "rc", "1 hour"),
        ("Pixelpond Followers · Package of 5,000", T.PACKAGE, "9.90", 1, 1, "rc", "8 hours"),
    ),
    "Pixelpond · Likes": (
        ("Pixelpond Likes · Start", T.DEFAULT, "0.25", 10, 20_000, "cd", "5 minutes"),
        ("Pixelpond Likes · Steady", T.DEFAULT, "0.48", 20, 50_000, "rcd", "40 minutes"),
        ("Pixelpond Likes · Premium", T.DEFAULT, "1.10", 20, 30_000, "r", "3 hours"),
        ("Pixelpond Likes on new posts", T.SUBSCRIPTIONS, "0.60", 10, 5_000, "", "5 minutes a post"),
        ("Pixelpond Views on new posts", T.SUBSCRIPTIONS, "0.08", 100, 100_000, "", "5 minutes a post"),
        ("Pixelpond Comment Likes", T.COMMENT_LIKES, "0.95", 10, 5_000, "c", "30 minutes"),
    ),
    "Pixelpond · Comments": (
        ("Pixelpond Comments · Your words", T.CUSTOM_COMMENTS, "8", 5, 1_500, "c", "3 hours"),
        ("Pixelpond Comments · Your words, premium", T.CUSTOM_COMMENTS, "14.50", 1, 500, "rc", "6 hours"),
        ("Pixelpond Comments · Package, your words", T.CUSTOM_COMMENTS_PACKAGE, "2.40", 1, 1, "", "4 hours"),
        ("Pixelpond Comments · Random", T.DEFAULT, "3.30", 10, 2_000, "c", "2 hours"),
        ("Pixelpond Comment Replies", T.COMMENT_REPLIES, "9.75", 1, 500, "", "5 hours"),
    ),
    "Pixelpond · Mentions": (
        ("Pixelpond Mentions", T.MENTIONS, "1.90", 100, 50_000, "c", "12 hours"),
        ("Pixelpond Mentions with hashtags", T.MENTIONS_WITH_HASHTAGS, "2.10", 100, 50_000, "c", "12 hours"),
        ("Pixelpond Mentions · Your list", T.MENTIONS_CUSTOM_LIST, "2.60", 10, 10_000, "", "12 hours"),
        ("Pixelpond Mentions of a hashtag", T.MENTIONS_HASHTAG, "2.05", 100, 50_000, "", "12 hours"),
        ("Pixelpond Mentions of a user's followers", T.MENTIONS_USER_FOLLOWERS, "2.20", 100, 50_000, "", "12 hours"),
        ("Pixelpond Mentions of a post's likers", T.MENTIONS_MEDIA_LIKERS, "2.20", 100, 50_000, "", "12 hours"),
    ),
    "Pixelpond · Stories": (
        ("Pixelpond Story Views", T.DEFAULT, "0.12", 50, 30_000, "d", "10 minutes"),
        ("Pixelpond Story Poll Votes", T.POLL, "1.40", 20, 10_000, "c", "1 hour"),
        ("Pixelpond Story Shares", T.DEFAULT, "0.70", 20, 10_000, "cd", "1 hour"),
    ),
    "Chatterbird · Followers": (
        ("Chatterbird Followers · Start", T.DEFAULT, "1.75", 20, 20_000, "rcd", "3 hours"),
        ("Chatterbird Followers · Steady", T.DEFAULT, "3.40", 50, 50_000, "rc", "12 hours"),
        ("Chatterbird Followers · Premium", T.DEFAULT, "6.80", 50, 10_000, "r", "1 day"),
        ("Chatterbird Group Members", T.DEFAULT, "1.10", 100, 100_000, "rcd", "5 hours"),
        ("Chatterbird Group Invites", T.INVITES_FROM_GROUPS, "3.90", 50, 5_000, "", "2 days"),
    ),
    "Chatterbird · Posts": (
        ("Chatterbird Likes", T.DEFAULT, "0.85", 10, 20_000, "cd", "30 minutes"),
        ("Chatterbird Reposts", T.DEFAULT, "1.25", 10, 20_000, "cd", "45 minutes"),
        ("Chatterbird Post Views", T.DEFAULT, "0.02", 100, 5_000_000, "d", "10 minutes"),
        ("Chatterbird Poll Votes", T.POLL, "1.15", 20, 20_000, "c", "1 hour"),
        ("Chatterbird Replies · Your words", T.CUSTOM_COMMENTS, "11", 3, 500, "c", "4 hours"),
        ("Chatterbird Mentions · Your list", T.MENTIONS_CUSTOM_LIST, "3.05", 10, 5_000, "", "1 day"),
    ),
    "Reelhaven · Views": (
        ("Reelhaven Views · Start", T.DEFAULT, "0.55", 100, 1_000_000, "rcd", "1 hour"),
        ("Reelhaven Views · Retained", T.DEFAULT, "1.95", 100, 500_000, "rcd", "1 day"),
        ("Reelhaven Views · Regional", T.DEFAULT, "2.65", 100, 100_000, "rc", "1 day"),
        ("Reelhaven Watch Hours", T.DEFAULT, "18.40", 50, 4_000, "r", "5 days"),
        ("Reelhaven Live Viewers", T.DEFAULT, "3.20", 50, 5_000, "", "5 minutes"),
        ("Reelhaven Shorts Views", T.DEFAULT, "0.35", 100, 2_000_000, "cd", "2 hours"),
    ),
    "Reelhaven · Channel": (
        ("Reelhaven Subscribers · Start", T.DEFAULT, "5.60", 10, 10_000, "rcd", "1 day"),
        ("Reelhaven Subscribers · Steady", T.DEFAULT, "9.20", 10, 50_000, "rc", "3 days"),
        ("Reelhaven Likes", T.DEFAULT, "1.05", 10, 50_000, "rcd", "2 hours"),
        ("Reelhaven Comments · Your words", T.CUSTOM_COMMENTS, "12.30", 5, 1_000, "", "6 hours"),
        ("Reelhaven Comment Likes", T.COMMENT_LIKES, "1.45", 10, 5_000, "", "1 hour"),
        ("Reelhaven Search Placement", T.SEO, "7.50", 100, 10_000, "", "2 days"),
        ("Reelhaven Starter Package", T.PACKAGE, "14.99", 1, 1, "r", "2 days"),
    ),
    "Tunebarn · Plays": (
        ("Tunebarn Plays · Start", T.DEFAULT, "0.22", 500, 5_000_000, "rcd", "6 hours"),
        ("Tunebarn Plays · Premium", T.DEFAULT, "0.64", 500, 1_000_000, "rcd", "1 day"),
        ("Tunebarn Monthly Listeners", T.DEFAULT, "2.30", 500, 200_000, "rc", "3 days"),
        ("Tunebarn Followers", T.DEFAULT, "0.78", 20, 100_000, "rcd", "10 hours"),
        ("Tunebarn Saves", T.DEFAULT, "0.66", 20, 100_000, "cd", "8 hours"),
        ("Tunebarn Playlist Package", T.PACKAGE, "6.50", 1, 1, "", "1 day"),
    ),
    "Websites": (
        ("Website Traffic · Worldwide", T.WEB_TRAFFIC, "0.18", 1_000, 1_000_000, "cd", "12 hours"),
        ("Website Traffic · One country", T.WEB_TRAFFIC, "0.42", 500, 500_000, "cd", "12 hours"),
        ("Website Traffic · Package", T.PACKAGE, "3.99", 1, 1, "", "1 day"),
        ("Search Keywords", T.SEO, "5.25", 100, 20_000, "c", "3 days"),
        ("Business Reviews · Your words", T.CUSTOM_COMMENTS, "240", 1, 50, "r", "3 days"),
        ("Business Reviews · Package, your words", T.CUSTOM_COMMENTS_PACKAGE, "19.50", 1, 1, "r", "4 days"),
    ),
}


def seed_demo(url: str, *, upstream: dict[str, Any] | None = None) -> str | None:
    """Fill an empty database and write `demo.json`. If a demo was filled before, update the addresses in `demo.json`.

    `upstream` is the content of an upstream desk's `demo.json`. With it, this desk imports that desk's services with a
    markup, and has no orders yet. Without it, the demo gets simulated services and a past (`demo_history`).

    Return the first customer's key; None if the database has accounts but no demo.
    """
    path = environment.home() / "demo.json"
    addresses = {"url": url, "api_url": f"{url}/api/v2"}
    if Account.objects.exists():
        if not path.exists():
            return None
        demo: dict[str, Any] = json.loads(path.read_text())
    else:
        with transaction.atomic():
            demo = _seed_accounts()
            if upstream:
                _top_up_customers()
            else:
                _seed_catalog()
                writer.write_history({email: Decimal(balance) for email, balance in CUSTOMERS})
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    if upstream:
        _make_provider(upstream)
    _write_private(path, {**demo, **addresses})
    return str(demo["accounts"][0]["key"])


def _make_provider(upstream: dict[str, Any]) -> None:
    """Make the upstream desk a provider and import its services. If it is one already, update its address."""
    if Provider.objects.filter(name=UPSTREAM).update(url=upstream["api_url"]):
        return
    provider = Provider(
        name=UPSTREAM, url=upstream["api_url"], supports_idempotency_keys=True, low_balance=Decimal(100),
        requests_a_second=100, parallel_requests=8,
    )  # fmt: skip
    provider.key = upstream["accounts"][0]["key"]
    provider.save()
    sync_provider(provider.pk)
    options = ImportOptions(markup_percent=MARKUP_PERCENT, follows=list(SyncedField.values()))
    import_services(list(provider.services.values_list("pk", flat=True)), options)


def _seed_catalog() -> None:
    categories = Category.objects.bulk_create(
        Category(name=name, position=position) for position, name in enumerate(CATALOG)
    )
    Service.objects.bulk_create(
        Service(
            category=category,
            position=position,
            name=name,
            description=f"{name}. Fulfilled by the simulator.",
            type=kind.value,
            rate=Decimal(rate),
            min=minimum,
            max=maximum,
            refill="r" in flags,
            cancel="c" in flags,
            dripfeed="d" in flags,
            average_time=average_time,
            fulfilment=Fulfilment.SIMULATED.value,
            link_kind=link_kind_of(kind).value,
        )
        for category, entries in zip(categories, CATALOG.values(), strict=True)
        for position, (name, kind, rate, minimum, maximum, flags, average_time) in enumerate(entries)
    )


def _seed_accounts() -> dict[str, Any]:
    accounts = []
    for email, balance in CUSTOMERS:
        password = secrets.token_urlsafe(12)
        account = creation.create(email, password)
        key = keys.create(account, name="Demo")
        accounts.append({"email": email, "password": password, "key": key, "balance": money.show(Decimal(balance))})
    staff = _seed_staff(STAFF, RoleName.OWNER)
    colleagues = [_seed_staff(f"{role}@demo.example", role) for role in COLLEAGUES]
    _seed_payment_limits()
    return {"staff": staff, "colleagues": colleagues, "accounts": accounts}


def _seed_payment_limits() -> None:
    """Set limits, so that payments, and their approval by a second person, can be tried."""
    for role, (per_payment, per_day, approval_above) in PAYMENT_LIMITS.items():
        PaymentLimit.objects.create(
            group=Group.objects.get(name=role.value),
            per_payment=per_payment,
            per_day=per_day,
            approval_above=approval_above,
        )


def _top_up_customers() -> None:
    for email, balance in CUSTOMERS:
        operations.top_up(Account.objects.get(email=email).pk, Decimal(balance), actor="demo", note="Welcome")


def _seed_staff(email: str, role: RoleName) -> dict[str, str]:
    password = secrets.token_urlsafe(12)
    creation.create(email, password, role=role)
    return {"email": email, "password": password, "role": role.value}


def _write_private(path: Path, content: dict[str, Any]) -> None:
    """Write a file that only its owner may read. Replace it in one step, so that nobody reads half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with open(draft, "x", opener=lambda name, flags: os.open(name, flags, mode=0o600)) as file:
        json.dump(content, file, indent=2)
    draft.replace(path)
