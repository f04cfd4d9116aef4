"""Refusals that would harm orders that they are not about, or lead into loops (docs/fulfilment.md, refusals)."""

import json

import msgspec
import pytest
from django.db.models.functions import Now

from testkit.upstream.faults import Fault
from testkit.upstream.panel import Offer, Panel
from testkit.upstream.server import Reply, Upstream
from tests.conftest import Customer
from tests.fulfilment.conftest import MakeProvider, MakeRouted, order
from tests.fulfilment.test_visits import poll_again, state
from tests.wild.test_following import request_cancels
from tests.wild.test_refusals import UNKNOWN, later
from tradepost.database import in_transaction
from tradepost.engine import rerouting
from tradepost.engine.refusals import RefusalMeaning
from tradepost.fulfilment.provider_errors import FOLLOWS
from tradepost.fulfilment.tasks.visits import visit_provider, wake_due_visits
from tradepost.orders.models import Attempt, CancelRequest, UpstreamOrder
from tradepost.providers import refusals
from tradepost.providers.models import Provider, ProviderService, RefusalText


def test_two_routes_that_both_lack_funds_do_not_pass_a_subscription_to_and_fro(
    alice: Customer, make_provider: MakeProvider, make_routed: MakeRouted
) -> None:
    panel = Panel([Offer(1, type="Subscriptions")])
    panel.manners.refuses_all = "Not enough funds on balance"
    with Upstream(panel) as upstream:
        first, second = make_provider(upstream), make_provider(upstream)
        ProviderService.objects.filter(provider__in=[first, second]).update(type="Subscriptions")
        service = make_routed(first, second, type="Subscriptions", min=10, max=1000)
        [placed] = order(alice, service, username="pixelpond", min="10", max="20", posts="2", delay="0")
        for _ in range(4):
            visit_provider(first)
            visit_provider(second)
        assert len(upstream.asked("add")) == 2
        assert state(placed) == ("Active", "queued")
        assert set(Attempt.objects.filter(order=placed).values_list("cost_expected", flat=True)) == {None}


def test_an_order_that_two_routes_refuse_without_a_known_reason_waits_before_it_is_tried_again(
    alice: Customer, panel: Panel, make_provider: MakeProvider, make_routed: MakeRouted
) -> None:
    panel.manners.refuses_all = UNKNOWN
    with Upstream(panel) as upstream:
        first, second = make_provider(upstream), make_provider(upstream)
        [placed] = order(alice, make_routed(first, second))
        for _ in range(4):
            visit_provider(first)
            visit_provider(second)
        assert len(upstream.asked("add")) == 2
        assert state(placed) == ("Pending", "queued")


@pytest.fixture
def panel() -> Panel:
    """A panel that sells two services at the same rate."""
    return Panel([Offer(1), Offer(2)])


@pytest.mark.parametrize("words", ["Invalid API key", "Your account is inactive", "Too many requests", UNKNOWN])
def test_an_order_that_may_exist_stays_unsure_if_asking_again_is_refused_for_the_desks_own_trouble(
    alice: Customer, make_provider: MakeProvider, make_routed: MakeRouted, words: str
) -> None:
    with Upstream(Panel(takes_idempotency_keys=True)) as tradepost, Upstream() as other:
        first = make_provider(tradepost, supports_idempotency_keys=True)
        second = make_provider(other)
        tradepost.faults.script(Fault.RESET_AFTER)
        [placed] = order(alice, make_routed(first, second))
        visit_provider(first)
        assert state(placed) == ("Pending", "unsure")
        UpstreamOrder.objects.filter(order=placed).update(due_at=Now())
        tradepost.canned.append(Reply(msgspec.json.encode({"error": words})))
        visit_provider(first)
        wake_due_visits(timestamp=0)
        visit_provider(second)
        assert len(other.panel.accepted) == 0
        assert state(placed) == ("Pending", "unsure")
        later(first)
        visit_provider(first)
        assert state(placed) == ("Pending", "sent")
        assert len(tradepost.panel.accepted) == 1


@pytest.mark.parametrize("words", ["Internal server error", "Account suspended", "Please try again later"])
def test_one_order_that_is_refused_each_time_does_not_stop_the_others(
    alice: Customer, panel: Panel, make_provider: MakeProvider, make_routed: MakeRouted, words: str
) -> None:
    panel.manners.refuses[2] = words
    with Upstream(panel) as upstream:
        provider = make_provider(upstream, parallel_requests=1)
        service, poison = make_routed(provider), make_routed(provider, upstream_id="2")
        [bad] = order(alice, poison)
        order(alice, service)
        visit_provider(provider)
        later(provider)
        order(alice, service, link="https://pixelpond.example/between")
        visit_provider(provider)
        later(provider)
        visit_provider(provider)
        others = order(alice, service, times=3)
        visit_provider(provider)
        assert {state(each) for each in others} == {("Pending", "sent")}
        assert state(bad) == ("Pending", "queued")
        asked = len(upstream.asked("add"))
        for _ in range(3):
            wake_due_visits(timestamp=0)
            visit_provider(provider)
        assert len(upstream.asked("add")) == asked


@pytest.mark.parametrize(
    "words",
    ["Not enough funds\0!", "Service disabled\0", "Invalid API key\0", "Quantum\0flux", "x" * 10_000, "<b>?</b>"],
)
def test_any_characters_in_a_refusal_are_stored(
    alice: Customer, panel: Panel, make_provider: MakeProvider, make_routed: MakeRouted, words: str
) -> None:
    panel.manners.refuses_all = words
    with Upstream(panel) as upstream:
        provider = make_provider(upstream)
        placed = order(alice, make_routed(provider), times=3)
        visit_provider(provider)
        assert {state(each)[0] for each in placed} == {"Pending"}
        assert "unsure" not in {state(each)[1] for each in placed}


def test_a_service_that_is_held_stays_so_if_there_is_no_other_route(
    alice: Customer, panel: Panel, make_provider: MakeProvider, make_routed: MakeRouted
) -> None:
    panel.manners.refuses_all = "Bad link"
    with Upstream(panel) as upstream:
        provider = make_provider(upstream)
        [placed] = order(alice, make_routed(provider, on_refusal="hold"))
        visit_provider(provider)
        assert in_transaction(lambda raw: rerouting.send_elsewhere(raw, [placed], actor="charlie")) == 0
        assert UpstreamOrder.objects.get(order=placed).review_reason == ""
        wake_due_visits(timestamp=0)
        assert state(placed) == ("Pending", "refused")


def test_held_orders_go_by_a_route_that_is_open_again(
    alice: Customer, make_provider: MakeProvider, make_routed: MakeRouted
) -> None:
    with Upstream() as one, Upstream() as two:
        first, second = make_provider(one), make_provider(two)
        service = make_routed(first, second)
        one.panel.manners.refuses_all = two.panel.manners.refuses_all = UNKNOWN
        placed = order(alice, service, times=4)
        for _ in range(4):
            for provider in (first, second):
                visit_provider(provider)
                UpstreamOrder.objects.filter(provider=provider).update(due_at=Now())
        assert {state(each)[1] for each in placed} <= {"refused", "queued"}
        one.panel.manners.refuses_all = ""
        later(first)
        order(alice, service, link="https://pixelpond.example/new")
        visit_provider(first)
        wake_due_visits(timestamp=0)
        visit_provider(first)
        assert {state(each) for each in placed} == {("Pending", "sent")}


def test_what_an_operator_says_of_a_long_text_holds(
    alice: Customer, panel: Panel, make_provider: MakeProvider, make_routed: MakeRouted
) -> None:
    panel.manners.refuses_all = "<p>Quantum flux!</p> 12 ... " * 40
    with Upstream(panel) as upstream:
        provider = make_provider(upstream)
        [placed] = order(alice, make_routed(provider))
        visit_provider(provider)
        RefusalText.objects.filter(provider=provider).update(meaning=RefusalMeaning.LINK.value)
        later(provider)
        visit_provider(provider)
        assert state(placed) == ("Canceled", "refused")


NOT_ABOUT_THE_DESK = (
    "This account is suspended on Twitter", "Account suspended by Instagram", "The account is banned by TikTok",
    "Account is restricted by Facebook", "This account is inactive, please use another link",
    "Your profile is restricted, make it public", "Access denied: private video", "Cuenta suspendida en Instagram",
    "Conta suspensa no Instagram", "Hesap engellendi, linki kontrol edin", "Аккаунт заблокирован в Instagram",
    "Akun diblokir oleh Instagram", "Tài khoản bị khóa, vui lòng kiểm tra link", "الحساب موقوف على انستغرام",
    "حساب مسدود در اینستاگرام", "Internal server error while parsing link", "Instagram API limit reached",
    "Invalid token in link", "Invalid key word", "Account is private", "User is banned on Instagram", "Flood link",
)  # fmt: skip
ABOUT_THE_DESK = {
    RefusalMeaning.FUNDS: (
        "Please recharge your account", "Low wallet balance", "Su saldo es insuficiente", "No hay fondos suficientes",
        "Seu saldo é insuficiente", "Não há saldo suficiente", "Lütfen bakiye yükleyin",
        "Bakiyeniz bu işlem için yeterli değil", "لطفا حساب خود را شارژ کنید",
        "Insufficient balance in your account for Instagram followers",
    ),
    RefusalMeaning.KEY: ("API key does not exist",),
    RefusalMeaning.ACCOUNT: (
        "Akun Anda telah disuspend", "Your account is suspended. Contact support on Telegram", "Account suspended",
    ),
    RefusalMeaning.SERVICE_OFF: ("Услуга на обслуживании",),
    RefusalMeaning.LIMIT: ("Сайт на обслуживании", "Sistem bakım aşamasında", "API limit reached for your account"),
    RefusalMeaning.DUPLICATE: (
        "There is already an active order for this link", "Please wait for your previous order to complete",
        "Existe un pedido en curso con este enlace", "Aguarde o pedido anterior terminar",
        "Bu bağlantıya ait aktif bir sipariş var", "Заказ с такой ссылкой уже существует",
        "Anda memiliki pesanan yang sedang berjalan untuk link ini", "Đơn hàng đang chạy cho link này",
        "برای این لینک سفارش در حال انجام دارید",
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", NOT_ABOUT_THE_DESK)
def test_words_about_what_a_link_leads_to_pause_no_provider(text: str) -> None:
    assert FOLLOWS[refusals.meaning_of(text)].provider_pause is None


@pytest.mark.parametrize(
    ("meaning", "text"), [(each, text) for each in ABOUT_THE_DESK for text in ABOUT_THE_DESK[each]]
)
def test_words_about_the_desk_are_understood(meaning: RefusalMeaning, text: str) -> None:
    assert refusals.meaning_of(text) is meaning


@pytest.mark.parametrize("word", ["موجودی ", "سرویس ", "coba ", "x"])
def test_long_words_are_read_in_time_and_not_understood(word: str) -> None:
    """Without a bound, the patterns need hours for them: the run would end this test."""
    assert refusals.meaning_of(word * 20_000) is RefusalMeaning.UNKNOWN


def test_words_that_change_each_time_are_one_text() -> None:
    assert refusals.key_of("Error ref a8f3c2 at 12:31") == refusals.key_of("Error ref 77be10 at 9:05")


def test_a_provider_whose_lists_fail_for_a_moment_is_asked_by_lists_again(
    alice: Customer, upstream: Upstream, provider: int, routed: int
) -> None:
    placed = order(alice, routed, times=1)
    visit_provider(provider)
    upstream.canned.append(Reply(b'{"error":"Something went wrong"}'))
    upstream.panel.advance(1, "Completed")
    poll_again(provider)
    assert state(placed[0])[0] == "Completed"
    assert Provider.objects.get(pk=provider).single_id_actions == []


@pytest.mark.parametrize("words", ["Something went wrong\0", "\ud800"])
def test_any_characters_in_a_status_are_stored(
    alice: Customer, upstream: Upstream, provider: int, routed: int, words: str
) -> None:
    placed = order(alice, routed, times=3)
    visit_provider(provider)
    upstream.replies["status"] = Reply(json.dumps({"1": {"error": words}, "2": {"status": words}}).encode())
    poll_again(provider)
    assert {state(each) for each in placed} == {("Pending", "sent")}


def test_a_cancel_that_is_refused_for_the_moment_is_not_rejected(
    alice: Customer, upstream: Upstream, provider: int, routed: int
) -> None:
    placed = order(alice, routed, times=3)
    visit_provider(provider)
    request_cancels(alice, placed)
    upstream.replies["cancel"] = Reply(b'{"error":"Something went wrong, please try again later"}')
    visit_provider(provider)
    assert set(CancelRequest.objects.filter(order__in=placed).values_list("state", "tries")) == {("open", 1)}


def test_a_provider_that_refuses_every_status_is_not_asked_about_each_order(
    alice: Customer, upstream: Upstream, provider: int, routed: int
) -> None:
    order(alice, routed, times=40)
    visit_provider(provider)
    upstream.replies["status"] = Reply(b'{"error":"Something went wrong"}')
    upstream.seen.clear()
    poll_again(provider)
    assert len(upstream.asked("status")) <= 20
    assert UpstreamOrder.objects.filter(provider=provider).exclude(review_reason="").count() <= 6
    del upstream.replies["status"]
    for there in list(upstream.panel.orders):
        upstream.panel.advance(there, "Completed")
    poll_again(provider)
    assert not UpstreamOrder.objects.filter(provider=provider).exists()
