"""Each role can see and do what `docs/roles.md` says: one test per cell, and every page is in a table."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.backoffice.browsers import member
from tests.backoffice.conftest import Things
from tests.backoffice.roles_table import ACTIONS, LISTS, PAGES, ROLES, TEXT, Cell
from tests.builders import attempt, make_offer, make_provider, place, route, settle
from tradepost.backoffice.ui.site import site
from tradepost.engine.statuses import Status

# Pages for every user: signing in and out, and choices for form fields, which the permissions of each list limit.
EVERYBODYS = {
    "admin:login", "admin:logout", "admin:password_change", "admin:password_change_done", "admin:jsi18n",
    "admin:autocomplete", "admin:search", "search_everywhere", "admin:view_on_site", "admin:app_list",
}  # fmt: skip
OF_LISTS = ("changelist", "add", "change", "delete", "history")
# URLs about another row than their name says, or about a row in a certain state.
ABOUT = {
    "admin:orders_order_found": "orders_upstreamorder",
    "admin:orders_order_send_again": "orders_upstreamorder",
    "admin:orders_order_send_elsewhere": "held",
    "admin:orders_order_set_partial": "unclear",
    "admin:orders_order_cancel": "orders_upstreamorder",
    "admin:orders_order_cancel_now": "by_hand",
    "admin:orders_order_partial_now": "by_hand",
    "admin:orders_order_complete": "by_hand",
    "admin:orders_order_refill": "completed",
    "admin:orders_order_edit_link": "by_hand",
    "admin:orders_order_resend": "held",
    "admin:orders_order_set_counts": "by_hand",
    "admin:orders_order_write_note": "by_hand",
    "admin:orders_order_tell_provider": "unclear",
    "admin:orders_order_as_customer": "by_hand",
    "admin:orders_order_refund_delivered": "completed",
    "admin:auth_user_password_change": "accounts_account",
    "admin:ledger_manualpayment_take_back": "paid",
    "provider_quality": "providers_provider",
    "provider_quality_file": "providers_provider",
    "manual_work_order": "by_hand",
    "manual_work_take": "by_hand",
    "manual_work_cancel": "orders_cancelrequest",
    "manual_work_refill": "orders_refill",
}
REPORTS = {"report", "report_file"}
# URLs to which a form on another page posts, and which redirect.
SENT = {
    "manual_work_next",
    "manual_work_take",
    "manual_work_cancel",
    "manual_work_refill",
    "admin:orders_order_columns",
}

_rows: dict[str, int] = {}


def written(cell: Cell) -> str:
    return f"{cell.role} {cell.name}"


colleague = cache(member)  # read-only tests share one member of staff per role


@pytest.fixture
def rows(request: pytest.FixtureRequest) -> dict[str, int]:
    """One row of each model, shared by these tests: they only look."""
    from tests.ledger.payment_staff import owner, wish
    from tradepost.audit.models import Entry
    from tradepost.ledger import payments

    if not _rows:
        things: Things = request.getfixturevalue("things")
        account = things.accounts_account
        entry = Entry.objects.latest("id")
        _rows.update(things._asdict(), audit_entry=entry.pk, site_settings_sitesettings=1)
        _rows["paid"] = payments.make(owner(), wish(account, "1")).pk
        [_rows["by_hand"]] = place(account, request.getfixturevalue("service"))
        [_rows["completed"]] = place(account, request.getfixturevalue("make_service")(refill=True))
        settle(_rows["completed"], status=Status.COMPLETED)
        _rows["held"], _rows["unclear"] = _at_a_provider(account, request.getfixturevalue("make_service")())
    return _rows


def _at_a_provider(account: int, service: int) -> tuple[int, int]:
    """Return an order that its provider has refused, and one whose status there is not clear."""
    from tradepost.catalog.models import Service
    from tradepost.orders.models import UpstreamOrder

    Service.objects.filter(pk=service).update(on_refusal="hold")
    offer = make_offer(make_provider())
    route(service, offer)
    [held] = place(account, service)
    attempt(offer.provider_id, held, "declined", response="Bad link")
    [unclear] = place(account, service)
    attempt(offer.provider_id, unclear, "sent", upstream_id="77")
    UpstreamOrder.objects.filter(pk=unclear).update(review_reason="status")
    return held, unclear


def deletable() -> dict[str, Callable[[], int]]:
    """Return functions that create deletable rows, for models whose usual row can't be deleted."""
    from tradepost.catalog.models import Category

    return {
        "catalog_category": lambda: Category.objects.create(name=f"Empty {Category.objects.count()}").pk,
        "providers_provider": lambda: make_provider().pk,
    }


@cache
def links(role: str) -> set[str]:
    """Return the links of a role's menu."""
    groups = colleague(role).get(reverse("admin:index")).context["sidebar_navigation"]
    return {str(item["link"]) for group in groups for item in group["items"] if item["has_permission"]}


@pytest.mark.parametrize("cell", LISTS, ids=written)
def test_a_list_and_its_pages_are_what_the_table_says(rows: dict[str, int], cell: Cell) -> None:
    client, row = colleague(cell.role), rows[cell.name]
    address = reverse(f"admin:{cell.name}_changelist")
    assert (address in links(cell.role)) == ("see" in cell.may)
    assert opens(client.get(address, follow=True)) == ("see" in cell.may)
    page = reverse(f"admin:{cell.name}_change", args=[row])
    assert opens(client.get(page, follow=True)) == ("see" in cell.may)
    assert opens(client.get(reverse(f"admin:{cell.name}_add"))) == ("add" in cell.may)
    assert takes(client.post(page, {"_continue": "1"}), page) == ("change" in cell.may)
    erased = deletable().get(cell.name, lambda: row)()
    assert opens(client.get(reverse(f"admin:{cell.name}_delete", args=[erased]))) == ("delete" in cell.may)


@pytest.mark.parametrize("cell", PAGES, ids=written)
def test_a_page_or_button_is_there_as_the_table_says(rows: dict[str, int], cell: Cell) -> None:
    pattern = next(each for name, each in patterns() if name == cell.name)
    of = ABOUT.get(cell.name) or next((name for name in rows if f"admin:{name}_" in cell.name), "")
    prepare(cell.name, rows.get(of, 0))
    of_what = "day" if cell.name in REPORTS else rows.get(of)
    address = reverse(cell.name, args=[of_what] if pattern.pattern.converters else ())
    client = colleague(cell.role)
    response = client.post(address) if cell.name in SENT else client.get(address, follow=True)
    assert opens(response) == bool(cell.may)


@pytest.mark.parametrize("cell", ACTIONS, ids=written)
def test_an_action_is_there_as_the_table_says(rows: dict[str, int], cell: Cell) -> None:
    assert rows
    name, action = cell.name.split()
    assert (action in offered(cell.role, name)) == bool(cell.may)


def test_every_page_of_the_back_office_stands_in_a_table() -> None:
    named = {cell.name for cell in PAGES} | EVERYBODYS
    for cell in LISTS:
        named |= {f"admin:{cell.name}_{page}" for page in OF_LISTS}
    assert {name for name, _ in patterns()} - named == set()


def test_every_action_of_the_back_office_stands_in_a_table(rows: dict[str, int]) -> None:
    assert rows
    lists = [f"{model._meta.app_label}_{model._meta.model_name}" for model in site._registry]
    there = {f"{name} {action}" for name in lists for action in offered("owner", name)}
    there -= {f"{cell.name} delete_selected" for cell in LISTS if "delete" in cell.may}
    assert there == {cell.name for cell in ACTIONS}


def test_every_role_stands_in_the_table_with_what_it_is_for() -> None:
    from tradepost.accounts import roles

    assert tuple(roles.ROLES) == ROLES
    for role in roles.ROLES.values():
        assert f"| {role.name} | {role.sentence} |" in TEXT


def test_support_sees_that_a_service_is_in_quarantine_and_not_why(service: int) -> None:
    from tradepost.catalog.models import Service

    why = "Its rate, 0.90, is below its cost, 0.77123."
    Service.objects.filter(pk=service).update(is_active=False, quarantine=why)
    shelf = reverse("admin:catalog_service_changelist")
    pages = (f"{shelf}?quarantine=in&q={service}", reverse("admin:catalog_service_change", args=[service]))
    for page in pages:
        seen = colleague("support").get(page).content.decode()
        assert "quarantine" in seen
        assert "0.77123" not in seen
        assert "0.77123" in colleague("manager").get(page).content.decode()
    guess = {"quarantine__contains": "0.77"}
    assert colleague("support").get(shelf, guess).status_code in {302, 400}
    assert colleague("manager").get(shelf, guess).status_code == 200


def test_whoever_sees_an_order_sees_its_events_but_answers_of_providers_only_with_attempts(
    rows: dict[str, int], service: int
) -> None:
    from tests.builders import attempt, make_offer, make_provider, route
    from tradepost.orders.models import OrderEvent

    offer = make_offer(make_provider())
    route(service, offer)
    refused, moved = place(rows["accounts_account"], service, 2)
    attempt(offer.provider_id, refused, "declined", response="not for 0.55")
    OrderEvent.objects.create(
        order_id=moved, account_id=rows["accounts_account"], actor="somebody", note="by a colleague"
    )
    for role, sees in (("owner", True), ("manager", True), ("support", False)):
        page = colleague(role).get(reverse("admin:orders_order_change", args=[refused])).content.decode()
        assert "refused" in page
        assert ("not for 0.55" in page) == sees
        assert (
            "by a colleague" in colleague(role).get(reverse("admin:orders_order_change", args=[moved])).content.decode()
        )


def test_support_sees_what_an_order_moved_but_no_attempts(rows: dict[str, int]) -> None:
    for role, sees in (("manager", True), ("support", False)):
        page = colleague(role).get(reverse("admin:orders_order_change", args=[rows["orders_upstreamorder"]]))
        inlines = {formset.opts.model.__name__ for formset in page.context["inline_admin_formsets"]}
        assert inlines == {"OrderNote", "OrderEvent", "Transfer"} | ({"Attempt"} if sees else set())


INLINES = {  # the inlines that each role sees on the pages of each list
    "catalog_pricelist": {"manager": {"pricelistdiscount", "pricelistrate", "pricelistmember"}},
    "catalog_service": {"manager": {"route", "customrate"}, "support": {"customrate"}},
    "orders_order": {
        "manager": {"ordernote", "orderevent", "transfer"},
        "support": {"ordernote", "orderevent", "transfer"},
    },
    "orders_upstreamorder": {"manager": {"attempt", "ordernote", "orderevent", "transfer"}},
    "accounts_account": {"manager": {"key"}, "support": {"key"}},
}


@pytest.mark.parametrize(("name", "role"), [(name, role) for name, of in INLINES.items() for role in of])
def test_what_stands_beneath_a_page_is_seen_by_the_roles_that_need_it(
    rows: dict[str, int], name: str, role: str
) -> None:
    page = "orders_order" if name == "orders_upstreamorder" else name
    response = colleague(role).get(reverse(f"admin:{page}_change", args=[rows[name]]))
    assert {each.opts.model._meta.model_name for each in response.context["inline_admin_formsets"]} == INLINES[name][
        role
    ]


def test_no_page_has_anything_else_beneath_it() -> None:
    told = {each for of in INLINES.values() for each in of["manager"]}
    there = {inline.model._meta.model_name for each in site._registry.values() for inline in each.inlines}
    assert there <= told


def test_only_who_sees_attempts_reads_what_providers_answered(rows: dict[str, int]) -> None:
    address = reverse("admin:orders_order_change", args=[rows["orders_upstreamorder"]])
    assert "no JSON (status 502)" in colleague("manager").get(address).content.decode()
    assert "no JSON (status 502)" not in colleague("support").get(address).content.decode()


def test_a_manager_changes_what_a_price_list_consists_of() -> None:
    from tradepost.catalog.models import Category, PriceList

    category = Category.objects.create(name="Of a list")
    form = {
        "name": f"Of a manager {category.pk}", "discount_percent": "0",
        "discounts-TOTAL_FORMS": 1, "discounts-INITIAL_FORMS": 0,
        "discounts-0-category": category.pk, "discounts-0-discount_percent": "20",
        "rates-TOTAL_FORMS": 0, "rates-INITIAL_FORMS": 0, "members-TOTAL_FORMS": 0, "members-INITIAL_FORMS": 0,
    }  # fmt: skip
    assert colleague("manager").post(reverse("admin:catalog_pricelist_add"), form).status_code == 302
    assert PriceList.objects.get(name=form["name"]).discounts.get().category == category


def opens(response: Any) -> bool:
    assert isinstance(response, HttpResponse | StreamingHttpResponse)
    assert response.status_code in {200, 302, 403, 404}, response.status_code
    return response.status_code in {200, 302}


def takes(response: Any, page: str) -> bool:
    """Return whether a form was saved or had errors, rather than refused or answered by another page."""
    assert response.status_code in {200, 302, 403}, response.status_code
    return bool(response.status_code == 200 or response.headers.get("Location") == page)


def prepare(button: str, row: int) -> None:
    """Bring a row into the state that a button requires."""
    from allauth.mfa.models import Authenticator

    from tradepost.accounts.models import Account, Note
    from tradepost.catalog.models import Service
    from tradepost.providers.models import Provider

    if button.startswith("admin:accounts_account_"):
        account = Account.objects.get(pk=row or 1)
        Account.objects.filter(pk=row).update(is_active=not button.endswith("_activate_one"))
        if button.endswith("_pin_note"):
            Note.objects.create(account=account, author=account, text="Pays late.")
        if button.endswith("_second_factor_off"):
            Authenticator.objects.get_or_create(user=account, type=Authenticator.Type.TOTP, defaults={"data": {}})
    if button.startswith("admin:providers_provider_"):
        Provider.objects.filter(pk=row).update(is_paused=button.endswith("_resume"))
    if button == "admin:catalog_service_settle_quarantine":
        Service.objects.filter(pk=row).update(is_active=False, quarantine="Too dear.")


def offered(role: str, name: str) -> set[str]:
    """Return the actions that a role may run on the ticked rows of a list."""
    response = colleague(role).get(reverse(f"admin:{name}_changelist"))
    form = response.context["action_form"] if opens(response) and response.context else None
    return {value for value, _ in form.fields["action"].choices if value} if form else set()


def patterns() -> Iterator[tuple[str, URLPattern]]:
    """Yield the back office's URL patterns that have a name."""
    for name, pattern, address in _below(get_resolver(), "", ""):
        if address.startswith("admin/") and pattern.name:
            yield name, pattern


def _below(resolver: URLResolver, namespace: str, prefix: str) -> Iterator[tuple[str, URLPattern, str]]:
    for each in resolver.url_patterns:
        address = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from _below(each, f"{each.namespace}:" if each.namespace else namespace, address)
        else:
            yield f"{namespace}{each.name}", each, address
