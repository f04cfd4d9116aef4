"""Refusals as panels of this trade word them: what each is about, and whose orders wait for it (docs/dialects.md)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.db.models.functions import Now

from testkit.upstream.panel import Offer, Panel
from testkit.upstream.server import Upstream
from tests.conftest import Customer
from tests.fulfilment.conftest import MakeProvider, MakeRouted, order
from tests.fulfilment.test_visits import balance, state
from tradepost.database import engine_connection
from tradepost.engine import dispatching
from tradepost.engine.refusals import TEMPORARY, RefusalMeaning
from tradepost.fulfilment import provider_pause
from tradepost.fulfilment.tasks.visits import visit_provider, wake_due_visits
from tradepost.orders.models import Attempt, OrderEvent, UpstreamOrder
from tradepost.providers import refusals
from tradepost.providers.models import Provider, RefusalText, RoutePause

WORDINGS = {
    RefusalMeaning.KEY: (
        "Incorrect API key", "Invalid API key", "api key invalid", "Invalid key", "Key not found", "Wrong API Key!",
        "invalid_api_key", "Access denied", "Unauthorized", "Your IP is not whitelisted", "API key disabled",
        "Clave API incorrecta", "Chave API inválida", "API anahtarı geçersiz", "Неверный API ключ", "API Key salah",
        "Api key tidak valid", "API key không hợp lệ", "مفتاح API غير صحيح", "کلید API نامعتبر است",
    ),
    RefusalMeaning.ACCOUNT: (
        "Your account is inactive", "Account suspended", "API is Disable for this user", "User is blocked",
        "Your account has been disabled", "Account is not active", "Cuenta no activa", "Tu cuenta está suspendida",
        "Sua conta está bloqueada", "Hesabınız askıya alındı", "Ваш аккаунт заблокирован", "Akun anda tidak aktif",
        "Tài khoản của bạn đã bị khóa", "حسابك غير نشط", "تم حظر حسابك", "حساب کاربری شما مسدود شده است",
    ),
    RefusalMeaning.FUNDS: (
        "Not enough funds on balance", "neworder.error.not_enough_funds", "not_enough_balance", "Insufficient balance",
        "You don't have enough balance", "Low balance", "Please add funds", "Saldo insuficiente",
        "Fondos insuficientes", "No tienes suficiente saldo", "Yetersiz bakiye", "Недостаточно средств на балансе",
        "Saldo tidak cukup", "Số dư không đủ", "رصيدك غير كافي", "رصيد غير كاف", "موجودی کافی نیست",
    ),
    RefusalMeaning.LIMIT: (
        "Too many requests", "Rate limit exceeded", "The panel is under maintenance", "Sitio en mantenimiento",
        "Site em manutenção", "Sistem bakımda", "Слишком много запросов", "Технические работы",
        "Terlalu banyak permintaan", "Sedang maintenance", "Hệ thống đang bảo trì", "الموقع تحت الصيانة",
        "در حال بروزرسانی", "Internal server error",
    ),
    RefusalMeaning.SERVICE_OFF: (
        "Service temporarily disabled", "Service is disabled", "This service is not available", "service_disabled",
        "neworder.error.service_disabled", "Servicio deshabilitado", "Serviço indisponível", "Servis pasif",
        "Услуга временно отключена", "Layanan tidak aktif", "Dịch vụ đang bảo trì", "الخدمة غير متاحة حاليا",
        "سرویس غیرفعال است", "Something went wrong, please try again later",
    ),
    RefusalMeaning.SERVICE_GONE: (
        "Incorrect service ID", "Invalid service", "Service not found", "Servicio no encontrado",
        "Serviço não encontrado", "Servis bulunamadı", "Услуга не найдена", "Layanan tidak ditemukan",
        "Dịch vụ không tồn tại", "الخدمة غير موجودة", "سرویس یافت نشد",
    ),
    RefusalMeaning.QUANTITY: (
        "Quantity less than minimal 100", "Min quantity is 100", "Minimum order is 50", "neworder.error.min_quantity",
        "Cantidad mínima 100", "Quantidade mínima é 100", "Minimum 100 adet", "Количество меньше минимального",
        "Jumlah kurang dari minimal", "Số lượng tối thiểu là 100", "الكمية أقل من الحد الأدنى",
        "تعداد کمتر از حداقل است",
    ),
    RefusalMeaning.LINK: (
        "Bad link", "Invalid link", "neworder.error.link", "Enlace inválido", "Link inválido", "Geçersiz link",
        "Неверная ссылка", "Link tidak valid", "Link không hợp lệ", "الرابط غير صحيح", "لینک نامعتبر است",
        "Account is private", "Bad link, please check and try again",
    ),
    RefusalMeaning.DUPLICATE: (
        "You have active order with this link. Please wait until order being completed.", "Duplicate order",
        "neworder.error.link_duplicate", "Ya tienes un pedido activo con este enlace",
        "Já existe um pedido para este link", "Bu link için zaten aktif sipariş var",
        "У вас уже есть активный заказ с этой ссылкой", "Masih ada pesanan dengan target yang sama",
        "Bạn đã có đơn hàng cho link này", "لديك طلب نشط على هذا الرابط", "شما یک سفارش فعال با این لینک دارید",
    ),
    RefusalMeaning.UNKNOWN: (
        "Quantum flux", "Error", "Order failed", "Unknown error", "User not found", "Order rejected",
    ),
}  # fmt: skip
ABOUT_THE_DESK = [
    *WORDINGS[RefusalMeaning.KEY], *WORDINGS[RefusalMeaning.ACCOUNT], *WORDINGS[RefusalMeaning.FUNDS],
    *WORDINGS[RefusalMeaning.LIMIT], *WORDINGS[RefusalMeaning.SERVICE_OFF], *WORDINGS[RefusalMeaning.DUPLICATE],
]  # fmt: skip
UNKNOWN = "Quantum flux"


@pytest.fixture
def panel() -> Panel:
    """A panel that sells two services at the same rate."""
    return Panel([Offer(1), Offer(2)])


def later(provider: int) -> None:
    """Let every wait of the provider's orders and routes end."""
    UpstreamOrder.objects.filter(provider=provider).update(due_at=Now())
    RoutePause.objects.filter(route__provider_service__provider=provider, until__isnull=False).update(
        until=Now() - timedelta(seconds=1)
    )
    Provider.objects.filter(pk=provider).update(retry_at=None)


@pytest.mark.parametrize(("meaning", "text"), [(meaning, text) for meaning in WORDINGS for text in WORDINGS[meaning]])
def test_the_words_of_the_trade_are_understood(meaning: RefusalMeaning, text: str) -> None:
    assert refusals.meaning_of(text) is meaning
    assert refusals.meaning_of(f"  {text.upper()}!! ") is meaning


@pytest.mark.parametrize("text", ABOUT_THE_DESK)
def test_no_order_is_canceled_for_the_desks_own_trouble(
    alice: Customer, panel: Panel, make_provider: MakeProvider, make_routed: MakeRouted, text: str
) -> None:
    panel.manners.refuses_all = text
    with Upstream(panel) as upstream:
        provider = make_provider(upstream)
        placed = order(alice, make_routed(provider), times=3)
        for _ in range(3):
            visit_provider(provider)
            later(provider)
        assert [state(each) for each in placed] == [("Pending", "queued")] * 3
        assert balance(alice) == Decimal("99.73")
        panel.manners.refuses_all = ""
        provider_pause.lift(provider)
        for _ in range(3):
            visit_provider(provider)
        assert [state(each) for each in placed] == [("Pending", "sent")] * 3


@pytest.mark.parametrize("text", ["Service temporarily disabled", UNKNOWN, "Servicio no disponible"])
def test_a_service_that_is_refused_does_not_stand_in_the_way_of_others(
    alice: Customer, panel: Panel, make_provider: MakeProvider, make_routed: MakeRouted, text: str
) -> None:
    panel.manners.refuses[1] = text
    with Upstream(panel) as upstream:
        provider = make_provider(upstream)
        off, good = make_routed(provider), make_routed(provider, upstream_id="2")
        waiting = order(alice, off, times=20)
        [sent] = order(alice, good)
        visit_provider(provider)
        assert state(sent) == ("Pending", "sent")
        assert {state(each)[0] for each in waiting} == {"Pending"}
        assert len(upstream.asked("add")) <= 10


def test_without_funds_for_large_orders_smaller_ones_go(
    alice: Customer, panel: Panel, make_provider: MakeProvider, make_routed: MakeRouted
) -> None:
    panel.manners.funds_max = Decimal("0.2")
    with Upstream(panel) as upstream:
        provider = make_provider(upstream)
        service = make_routed(provider)
        large = [
            order(alice, service, link=f"https://pixelpond.example/large/{n}", quantity="1000")[0] for n in range(9)
        ]
        [small] = order(alice, service)
        visit_provider(provider)
        assert state(small) == ("Pending", "sent")
        assert {state(each) for each in large} == {("Pending", "queued")}
        assert "Not enough funds" in Provider.objects.get(pk=provider).last_error
        asked = len(upstream.asked("add"))
        visit_provider(provider)
        assert len(upstream.asked("add")) == asked
        panel.manners.funds_max = None
        provider_pause.note_balance(provider, Decimal(2_000_000))
        visit_provider(provider)
        assert {state(each) for each in large} == {("Pending", "sent")}
        assert Provider.objects.get(pk=provider).last_error == ""


@pytest.mark.parametrize("text", ["Service temporarily disabled", "Not enough funds on balance", "Invalid API key"])
def test_what_one_provider_refuses_for_now_goes_to_the_next(
    alice: Customer, panel: Panel, make_provider: MakeProvider, make_routed: MakeRouted, text: str
) -> None:
    panel.manners.refuses_all = text
    with Upstream(panel) as refusing, Upstream() as other:
        first, second = make_provider(refusing), make_provider(other)
        placed = order(alice, make_routed(first, second), times=20)
        visit_provider(first)
        wake_due_visits(timestamp=0)
        visit_provider(second)
        assert {state(each) for each in placed} == {("Pending", "sent")}
        assert len(other.panel.accepted) == 20


def test_an_order_comes_back_to_the_first_route_when_the_second_is_off(
    alice: Customer, make_provider: MakeProvider, make_routed: MakeRouted
) -> None:
    off = "Service temporarily disabled"
    with Upstream() as one, Upstream() as two:
        first, second = make_provider(one), make_provider(two)
        one.panel.manners.refuses_all = two.panel.manners.refuses_all = off
        [placed] = order(alice, make_routed(first, second))
        for provider in (first, second):
            visit_provider(provider)
        assert state(placed) == ("Pending", "queued")
        one.panel.manners.refuses_all = ""
        later(first)
        wake_due_visits(timestamp=0)
        visit_provider(first)
        assert state(placed) == ("Pending", "sent")
        assert (len(one.panel.accepted), len(two.panel.accepted)) == (1, 0)


def test_a_paused_route_is_tried_by_one_order_at_a_time(
    alice: Customer, upstream: Upstream, provider: int, routed: int
) -> None:
    upstream.panel.manners.refuses_all = "Service temporarily disabled"
    placed = order(alice, routed, times=30)
    visit_provider(provider)
    asked = len(upstream.asked("add"))
    RoutePause.objects.filter(route__service=routed).update(until=Now() - timedelta(seconds=1))
    visit_provider(provider)
    assert len(upstream.asked("add")) == asked + 1
    upstream.panel.manners.refuses_all = ""
    RoutePause.objects.filter(route__service=routed).update(until=Now() - timedelta(seconds=1))
    visit_provider(provider)
    assert {state(each) for each in placed} == {("Pending", "sent")}
    assert not RoutePause.objects.filter(route__service=routed).exists()


def test_unknown_refusals_in_a_row_hold_what_they_hit_and_cancel_nothing(
    alice: Customer, upstream: Upstream, provider: int, routed: int
) -> None:
    upstream.panel.manners.refuses_all = UNKNOWN
    placed = order(alice, routed, times=5)
    visit_provider(provider)
    held = [each for each in placed if state(each) == ("Pending", "refused")]
    assert len(held) >= 3
    assert {state(each) for each in placed} <= {("Pending", "refused"), ("Pending", "queued")}
    assert balance(alice) == Decimal("99.55")
    assert set(UpstreamOrder.objects.filter(order__in=held).values_list("review_reason", flat=True)) == {"unexplained"}
    pause = RoutePause.objects.get(route__service=routed)
    assert (pause.meaning, pause.reason, pause.until is not None) == ("unknown", UNKNOWN, True)
    assert RefusalText.objects.get(provider=provider, meaning="unknown").text == UNKNOWN


def test_what_is_held_is_released_by_itself_when_the_provider_accepts_again(
    alice: Customer, upstream: Upstream, provider: int, routed: int
) -> None:
    upstream.panel.manners.refuses_all = UNKNOWN
    placed = order(alice, routed, times=5)
    visit_provider(provider)
    for _ in range(2):  # every order is held; now and then one of them tries the route
        later(provider)
        wake_due_visits(timestamp=0)
        visit_provider(provider)
    assert {state(each)[0] for each in placed} == {"Pending"}
    upstream.panel.manners.refuses_all = ""
    later(provider)
    wake_due_visits(timestamp=0)
    visit_provider(provider)
    assert {state(each) for each in placed} == {("Pending", "sent")}
    assert len(upstream.panel.accepted) == 5


def test_an_order_that_alone_is_refused_each_time_is_canceled_as_its_service_says(
    alice: Customer, panel: Panel, make_provider: MakeProvider, make_routed: MakeRouted
) -> None:
    panel.manners.refuses[1] = UNKNOWN
    with Upstream(panel) as upstream:
        provider = make_provider(upstream)
        cancels, holds = make_routed(provider), make_routed(provider, upstream_id="2", on_refusal="hold")
        [refused] = order(alice, cancels)
        for _ in range(2):
            visit_provider(provider)
            assert state(refused) == ("Pending", "queued")
            later(provider)
        visit_provider(provider)
        assert state(refused) == ("Canceled", "refused")
        panel.manners.refuses[2] = UNKNOWN
        [held] = order(alice, holds)
        for _ in range(3):
            visit_provider(provider)
            later(provider)
        assert state(held) == ("Pending", "refused")
    assert Attempt.objects.filter(order=refused).count() == 3
    assert OrderEvent.objects.filter(order=refused, note__contains=UNKNOWN).exists()


def test_an_order_accepted_in_between_begins_the_count_again(
    alice: Customer, make_provider: MakeProvider, make_routed: MakeRouted
) -> None:
    with Upstream() as upstream:
        provider = make_provider(upstream, parallel_requests=1)
        service = make_routed(provider)
        placed: list[int] = []
        for refused in (True, True, False, True, True):
            placed += order(alice, service, link=f"https://pixelpond.example/{len(placed)}")
            upstream.panel.manners.refuses_next[:] = [UNKNOWN] if refused else []
            visit_provider(provider)
        assert [state(each)[1] for each in placed] == ["queued", "queued", "sent", "queued", "queued"]
        assert RoutePause.objects.get(route__service=service).until is None


def test_what_an_operator_says_of_an_unknown_text_holds_from_then_on(
    alice: Customer, upstream: Upstream, make_provider: MakeProvider, make_routed: MakeRouted
) -> None:
    provider = make_provider()
    routed = make_routed(provider)
    upstream.panel.manners.refuses_all = "Order 7 fails: code 12"
    [first] = order(alice, routed)
    visit_provider(provider)
    text = RefusalText.objects.get(provider=provider)
    assert (text.count, text.meaning) == (1, "unknown")
    RefusalText.objects.filter(pk=text.pk).update(meaning=RefusalMeaning.LINK.value)
    upstream.panel.manners.refuses_all = "Order 8 fails: code 99"
    later(provider)
    visit_provider(provider)
    assert state(first) == ("Canceled", "refused")
    elsewhere = make_provider()
    [second] = order(alice, make_routed(elsewhere))
    visit_provider(elsewhere)
    assert state(second) == ("Pending", "queued")
    RefusalText.objects.filter(pk=text.pk).update(is_for_all=True)
    later(elsewhere)
    visit_provider(elsewhere)
    assert state(second) == ("Canceled", "refused")


def test_a_person_sends_what_is_held(alice: Customer, upstream: Upstream, provider: int, routed: int) -> None:
    upstream.panel.manners.refuses_all = UNKNOWN
    placed = order(alice, routed, times=4)
    visit_provider(provider)
    upstream.panel.manners.refuses_all = ""
    held = [each for each in placed if state(each)[1] == "refused"]
    with transaction.atomic():
        assert dispatching.send_again(engine_connection(), held[0], actor="charlie")
    visit_provider(provider)
    assert state(held[0]) == ("Pending", "sent")


def test_every_temporary_meaning_leaves_the_route_to_be_tried_again() -> None:
    assert set(TEMPORARY) == {
        RefusalMeaning.KEY, RefusalMeaning.ACCOUNT, RefusalMeaning.FUNDS, RefusalMeaning.LIMIT,
        RefusalMeaning.SERVICE_OFF, RefusalMeaning.DUPLICATE, RefusalMeaning.UNKNOWN,
    }  # fmt: skip
