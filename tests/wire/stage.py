"""The names that cases can use: customers and services, created on first use. Also the steps that are no requests."""

import shlex
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg

from tests.conftest import Customer
from tests.waiting import until
from tradepost.accounts import keys
from tradepost.accounts.models import Account, Key
from tradepost.catalog.models import CustomRate, PriceList, PriceListMember, PriceListRate, Service
from tradepost.engine import child_orders, drip_feeds
from tradepost.engine.keys import Scope
from tradepost.engine.refilling import RefillReport, settle_refills
from tradepost.engine.settling import Report, SettleResult, settle
from tradepost.engine.statuses import RefillStatus, Status
from tradepost.engine.subscriptions import Post, mirror_posts
from tradepost.ledger import operations
from tradepost.ledger.models import LedgerAccount

CUSTOMERS: dict[str, dict[str, Any]] = {
    "alice": {},  # 100.00 to spend, the default
    "bob": {},
    "poor": {"balance": "0.05"},
    "reader": {"scope": Scope.READ},
    "local": {"networks": ["127.0.0.0/8"]},
    "elsewhere": {"networks": ["203.0.113.0/24"]},
}

# The defaults are 0.90 for 1,000, and from 10 to 10,000.
SERVICES: dict[str, dict[str, Any]] = {
    "default": {},
    "precise": {"rate": "0.8110496"},
    "cheap": {"rate": "0.0045"},
    "dear": {"rate": "1.44219"},
    "whole": {"rate": "8"},
    "described": {
        "name": "Visits ✓", "description": "Slow, <b>steady</b>", "average_time": "2 hours",
        "refill": True, "cancel": True, "dripfeed": True,
    },
    "refillable": {"refill": True},
    "cancelable": {"cancel": True},
    "ruled": {"link_pattern": r"https://pixelpond\.example/\w+"},
    "one_a_link": {"one_order_per_link": True},
    "off_sale": {"is_active": False},
    "package": {"type": "Package", "rate": "5"},
    "seo": {"type": "SEO"},
    "comments": {"type": "Custom Comments", "min": 2, "max": 5},
    "comments_package": {"type": "Custom Comments Package", "rate": "5"},
    "mentions": {"type": "Mentions"},
    "mentions_with_hashtags": {"type": "Mentions with Hashtags"},
    "mentions_list": {"type": "Mentions Custom List", "min": 2, "max": 5},
    "mentions_hashtag": {"type": "Mentions Hashtag"},
    "mentions_followers": {"type": "Mentions User Followers"},
    "mentions_likers": {"type": "Mentions Media Likers"},
    "comment_likes": {"type": "Comment Likes"},
    "replies": {"type": "Comment Replies", "min": 2, "max": 5},
    "poll": {"type": "Poll"},
    "groups": {"type": "Invites from Groups"},
    "traffic": {"type": "Web Traffic"},
    "fed": {"dripfeed": True, "refill": True, "cancel": True},
    "fed_traffic": {"type": "Web Traffic", "dripfeed": True},
    "subscription": {"type": "Subscriptions", "max": 1000, "refill": True, "cancel": True},
}  # fmt: skip

TEST_KEY = "_test"

_HOLD = """
INSERT INTO procrastinate_jobs (queue_name, task_name, lock, status) VALUES ('tests', 'hold', %s, 'doing')
ON CONFLICT DO NOTHING
"""
_RELEASE = "DELETE FROM procrastinate_jobs WHERE queue_name = 'tests'"
_MAKE_DUE = "UPDATE orders_dripfeed SET due_at = now() WHERE order_id = %s AND due_at IS NOT NULL"


class Stage(dict[str, str]):
    """The values of one case's names: keys, ids of services, and values that its answers have set."""

    def __init__(
        self,
        connection: psycopg.Connection,
        make_customer: Callable[..., Customer],
        make_service: Callable[..., int],
    ) -> None:
        super().__init__()
        self.connection = connection
        self._make_customer = make_customer
        self._make_service = make_service
        self._accounts: dict[str, int] = {}

    def __missing__(self, name: str) -> str:
        """Create the customer or the service of this name. `alice_test` is a test key of alice."""
        if name.endswith(TEST_KEY):
            self[name] = keys.create(Account.objects.get(pk=self.account(name.removesuffix(TEST_KEY))), test=True)
        elif name in CUSTOMERS:
            customer = self._make_customer(**CUSTOMERS[name])
            self._accounts[name] = customer.id
            self[name] = customer.key
        else:
            fields = SERVICES[name]
            self[name] = str(self._make_service(**{**fields, "rate": Decimal(fields.get("rate", "0.90"))}))
        return self[name]

    def account(self, name: str) -> int:
        assert self[name]
        return self._accounts[name]

    def do(self, step: str) -> None:
        """Carry out one step, after filling in its names."""
        name, *words = shlex.split(step)
        options = dict(word.split("=", 1) for word in words if "=" in word)
        STEPS[name](self, *[word for word in words if "=" not in word], **options)
        self.connection.commit()

    def release(self) -> None:
        """Let the desk's worker run the tasks that were held."""
        self.connection.rollback()  # a step may have failed
        self.connection.execute(_RELEASE)
        self.connection.commit()


def _settle(stage: Stage, order: str, status: str, **counts: str) -> None:
    numbers = {name: int(count) for name, count in counts.items()}
    report = Report(int(order), Status(status), start_count=numbers.get("start"), remains=numbers.get("remains"))
    assert settle(stage.connection, [report], actor="test") == [SettleResult.SETTLED]


def _settle_refill(stage: Stage, refill: str, status: str) -> None:
    assert settle_refills(stage.connection, [RefillReport(int(refill), RefillStatus(status))]) == 1


def _revoke(stage: Stage, customer: str) -> None:
    assert keys.revoke(Key.objects.get(account=stage.account(customer)).pk)


def _suspend(stage: Stage, customer: str) -> None:
    Account.objects.filter(pk=stage.account(customer)).update(is_active=False)


def _top_up(stage: Stage, customer: str, amount: str) -> None:
    operations.top_up(stage.account(customer), Decimal(amount), actor="test")


def _give_credit(stage: Stage, customer: str, amount: str) -> None:
    LedgerAccount.objects.filter(account=stage.account(customer)).update(credit_limit=Decimal(amount))


def _agree_on_rate(stage: Stage, customer: str, service: str, rate: str) -> None:
    CustomRate.objects.create(account_id=stage.account(customer), service_id=int(service), rate=Decimal(rate))


def _put_on_list(stage: Stage, customer: str, discount: str, **rates: str) -> None:
    """Put a customer on a new price list. `rates` are by service."""
    account = stage.account(customer)
    made = PriceList.objects.create(name=f"List of {account}", discount_percent=Decimal(discount))
    for service, rate in rates.items():
        PriceListRate.objects.create(price_list=made, service_id=int(service), rate=Decimal(rate))
    PriceListMember.objects.create(account_id=account, price_list=made)


def _take_off_sale(_: Stage, service: str) -> None:
    Service.objects.filter(pk=int(service)).update(is_active=False)


def _hold(stage: Stage, task: str) -> None:
    """Keep the desk's worker from running a task until the case ends. Waits for a running task first."""

    def held() -> bool:
        is_ours = bool(stage.connection.execute(_HOLD, [task]).rowcount)
        stage.connection.commit()
        return is_ours

    until(held, f"the worker is not at {task}")


def _run(stage: Stage, dripfeed: str, part: str) -> None:
    """Make a drip-feed's next run due, and make it. The case must hold `run` before, or the worker may be faster."""
    stage.connection.execute(_MAKE_DUE, [dripfeed])
    drip_feeds.make_due(stage.connection)
    assert child_orders.count_parts(stage.connection, [int(dripfeed)]) == {int(dripfeed): int(part)}


def _post(stage: Stage, subscription: str, part: str, *, quantity: str, link: str) -> None:
    assert mirror_posts(stage.connection, [Post(int(subscription), int(part), link, int(quantity))]) == 1


STEPS: dict[str, Callable[..., None]] = {
    "settle": _settle,
    "settle-refill": _settle_refill,
    "revoke": _revoke,
    "suspend": _suspend,
    "top-up": _top_up,
    "give-credit": _give_credit,
    "agree-on-rate": _agree_on_rate,
    "put-on-list": _put_on_list,
    "take-off-sale": _take_off_sale,
    "hold": _hold,
    "run": _run,
    "post": _post,
}
