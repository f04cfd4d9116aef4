"""The state of fulfilment: on its page, as alerts on the overview, and as metrics."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import strip_tags
from prometheus_client.parser import text_string_to_metric_families

from tests.builders import attempt, make_offer, make_provider, place, route
from tests.conftest import Customer

TOKEN = "a-token-of-the-operator"


@pytest.fixture
def worker() -> Iterator[None]:
    """A worker that stays active for the whole test, and no other."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() + interval '1 hour') RETURNING id"
        )
        [made] = cursor.fetchall()[0]
    yield
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_workers WHERE id = %s", [made])
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now()")


@pytest.fixture
def provider(alice: Customer, service: int) -> Any:
    """A provider with an order in each state, one of them the oldest queued one."""
    from tradepost.catalog.models import Service
    from tradepost.providers.models import Provider

    Service.objects.filter(pk=service).update(on_refusal="hold")
    provider = make_provider(balance=Decimal("3.5"), requests=200, failures=5, request_milliseconds=50_000)
    route(service, make_offer(provider))
    for result in ("unsure", "declined", "sent"):
        [order] = place(alice.id, service)
        attempt(provider.pk, order, result, upstream_id="77" if result == "sent" else "", response="Well")
    place(alice.id, service, 2)
    return Provider.objects.get(pk=provider.pk)


def row(client: Client, provider: Any) -> dict[str, Any]:
    """Return the page's row of a provider."""
    rows = client.get(reverse("fulfilment")).context["providers"]
    return next(each for each in rows if each["name"] == provider.name)


def alerts(client: Client, page: str = "admin:index") -> dict[str, str]:
    """Return the alerts of a page, with their links."""
    return {alert.text: alert.link for alert in client.get(reverse(page)).context["alerts"]}


def metrics(**environ: str) -> dict[tuple[str, ...], float]:
    """Return the metrics by name and labels."""
    response = Client().get("/metrics", **environ)  # type: ignore[arg-type] # WSGI variables
    assert response.status_code == 200, response.content
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    }


def test_the_page_tells_of_each_provider(staff: Client, provider: Any) -> None:
    told = row(staff, provider)
    assert [told[state] for state in ("queued", "sending", "sent", "unsure", "refused")] == ["2", "0", "1", "1", "1"]
    assert told["oldest"].endswith(("sec", "min"))
    assert (told["failed"], told["latency"], strip_tags(told["balance"])) == ("2.5%", "250 ms", "$3.50")


def test_the_page_and_its_figures_are_not_for_everybody(charlie: Client) -> None:
    assert charlie.get(reverse("fulfilment")).status_code == 403
    assert Client().get(reverse("fulfilment")).status_code == 302


def test_the_page_asks_as_little_for_many_providers_as_for_one(staff: Client, provider: Any) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert staff.get(reverse("fulfilment")).status_code == 200
        return len(captured)

    assert provider
    queries()  # queries that run only once per process
    few = queries()
    for _ in range(10):
        make_provider()
    assert queries() == few


def test_counts_stop_where_more_is_no_news(staff: Client, provider: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from tradepost.backoffice import fulfilment
    from tradepost.orders import backlog

    monkeypatch.setattr(backlog, "COUNTED_MAX", 1)
    monkeypatch.setattr(fulfilment, "COUNTED_MAX", 1)
    assert row(staff, provider)["queued"] == "1+"


@pytest.mark.usefixtures("worker")
def test_an_alert_leads_to_where_it_is_mended(staff: Client, provider: Any, service: int) -> None:
    from tradepost.catalog.models import Service
    from tradepost.providers.models import Provider

    before = alerts(staff)
    assert not any(text.startswith(f"{provider}:") for text in before)
    assert not any("No worker" in text for text in before)
    Provider.objects.filter(pk=provider.pk).update(
        low_balance=4, last_error="Not enough funds.", sync_error="It is empty."
    )
    Service.objects.filter(pk=service).update(is_active=False, quarantine="Its rate rose.")
    found = alerts(staff)
    page = reverse("admin:providers_provider_change", args=[provider.pk])
    assert found[f"{provider}: Not enough funds."] == page
    assert found[f"{provider}: the balance is low, $3.50."] == page
    assert found[f"{provider}: its list could not be read. It is empty."] == page
    for text, link in found.items():
        assert staff.get(link).status_code == 200, text
    texts = " ".join(found)
    assert "the provider didn't confirm" in texts
    assert "refused by every provider and held" in texts
    assert "in quarantine, off sale" in texts
    assert alerts(staff, "fulfilment") == found


@pytest.mark.usefixtures("worker")
def test_without_a_worker_there_is_an_alert(staff: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'")
    assert any("No worker is running" in text for text in alerts(staff))


def test_charlie_is_told_of_no_alert(charlie: Client, provider: Any) -> None:
    assert provider
    assert alerts(charlie) == {}


def test_the_overview_leads_from_unsure_orders_to_their_list(staff: Client, provider: Any) -> None:
    assert provider
    active = staff.get(reverse("admin:index")).context["active"]
    assert active[-1]["link"] == f"{reverse('admin:orders_upstreamorder_changelist')}?state=unsure"


@pytest.mark.usefixtures("worker")
def test_metrics_tell_the_same(provider: Any) -> None:
    told = metrics()
    counts = {state: told["tradepost_provider_orders", provider.name, state] for state in ("queued", "sent", "unsure")}
    assert counts == {"queued": 2, "sent": 1, "unsure": 1}
    assert told["tradepost_provider_requests_total", provider.name] == 200
    assert told["tradepost_provider_request_failures_total", provider.name] == 5
    assert told["tradepost_provider_request_seconds_total", provider.name] == 50
    assert told["tradepost_provider_balance", provider.name] == 3.5
    assert told["tradepost_provider_oldest_queued_seconds", provider.name] >= 0
    assert told["tradepost_provider_in_trouble", provider.name] == 0
    assert told["tradepost_workers",] == 1


def test_metrics_ask_four_times_however_many_providers_there_are(provider: Any) -> None:
    assert provider
    make_provider()
    with CaptureQueriesContext(connection) as captured:
        metrics()
    assert len(captured) == 4


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({"REMOTE_ADDR": "127.0.0.1"}, 200),
        ({"REMOTE_ADDR": "::1"}, 200),
        ({"REMOTE_ADDR": "203.0.113.7"}, 403),
        ({"REMOTE_ADDR": ""}, 403),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "203.0.113.7"}, 403),
        ({"REMOTE_ADDR": "203.0.113.7", "HTTP_AUTHORIZATION": f"Bearer {TOKEN}"}, 403),
    ],
)
def test_without_a_token_metrics_are_for_this_machine(environ: dict[str, str], status: int) -> None:
    assert Client().get("/metrics", **environ).status_code == status  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "status"),
    [(f"Bearer {TOKEN}", 200), ("Bearer another", 401), (TOKEN, 401), ("", 401), (f"Bearer {TOKEN}é", 401)],
)
@override_settings(TRADEPOST_METRICS_TOKEN=TOKEN)
def test_with_a_token_metrics_are_for_whoever_has_it(given: str, status: int) -> None:
    response = Client().get("/metrics", headers={"Authorization": given})
    assert response.status_code == status
    if status == 401:
        assert response.headers["WWW-Authenticate"] == "Bearer"
