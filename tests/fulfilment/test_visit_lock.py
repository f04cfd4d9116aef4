"""A provider is visited by one worker at a time."""

from testkit.upstream.server import Upstream
from tests.conftest import Customer
from tests.engine.engine_calls import Connect
from tests.fulfilment.conftest import order
from tradepost.fulfilment.tasks import visits
from tradepost.fulfilment.tasks.visits import visit_provider


def test_another_workers_visit_is_left_alone(
    alice: Customer, upstream: Upstream, provider: int, routed: int, connect: Connect
) -> None:
    order(alice, routed)
    other = connect()
    other.execute("SELECT pg_advisory_lock(%s, %s)", [visits.LOCKS, provider])
    visit_provider(provider)
    assert upstream.seen == []
    other.execute("SELECT pg_advisory_unlock(%s, %s)", [visits.LOCKS, provider])
    visit_provider(provider)
    assert len(upstream.asked("add")) == 1
