"""The audit log: every change that matters, by whom and from where; no secrets, no noise, and entries stay for good."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from tests.audit.test_entries import acting_as, entries
from tests.backoffice.accounts.test_accounts import NEW, tick
from tests.backoffice.browsers import sign_in
from tests.backoffice.conftest import Things
from tests.builders import place
from tests.conftest import Customer
from tradepost.audit import actions
from tradepost.backoffice.ui.site import site

ADDRESS = "203.0.113.7"
# Models that staff change and no trigger watches, since each is a log itself or has one.
LOGS: set[str] = set()


def email_of(client: Client) -> str:
    from tradepost.accounts.models import Account

    return str(Account.objects.get(pk=client.session["_auth_user_id"]).email)


@pytest.fixture
def staff() -> Client:
    """A member of staff who may do everything, at a known IP address."""
    client = sign_in(is_staff=True, is_superuser=True)
    client.defaults["REMOTE_ADDR"] = ADDRESS
    return client


@pytest.fixture
def category() -> int:
    from tradepost.catalog.models import Category

    return Category.objects.create(name=f"Watched {Category.objects.count()}").pk


def test_a_change_by_a_form_tells_who_from_where_what_before_and_after(staff: Client, category: int) -> None:
    from tradepost.catalog.models import Category

    was = Category.objects.get(pk=category).name
    staff.post(reverse("admin:catalog_category_change", args=[category]), {"name": f"{was} now", "position": "0"})
    entry = entries("catalog.category", category)[-1]
    assert (entry.actor_kind, entry.actor_name, entry.address) == ("staff", email_of(staff), ADDRESS)
    assert (entry.action, entry.label) == ("change", f"{was} now")
    assert (entry.before, entry.after) == ({"name": was}, {"name": f"{was} now"})


def test_a_change_in_bulk_is_one_entry_a_row(staff: Client, alice: Customer, bob: Customer) -> None:
    tick(staff, "accounts_account", "suspend", alice.id, bob.id, asked="yes", reason="Unpaid.")
    for customer in (alice, bob):
        [suspended, said] = entries("accounts.account", customer.id)[-2:]
        assert (suspended.before, suspended.after) == ({"is_active": True}, {"is_active": False})
        assert said.after == {"done": "Suspended"}
        assert suspended.actor_name == said.actor_name == email_of(staff)


def test_a_role_that_is_given_is_in_the_history_of_the_account(staff: Client, alice: Customer) -> None:
    from django.contrib.auth.models import Group

    from tradepost.accounts.models import Account

    Account.objects.get(pk=alice.id).groups.add(support := Group.objects.get(name="support"))
    entry = entries("accounts.account", alice.id)[-1]
    assert (entry.action, entry.label, entry.after) == ("change", alice.email, {"group_id": support.pk})
    page = staff.get(reverse("admin:accounts_account_history", args=[alice.id]), follow=True).content.decode()
    assert "<b>group</b>" in page
    assert "support" in page


def test_secrets_are_never_in_it(alice: Customer, things: Things) -> None:
    from tradepost.accounts.models import Account
    from tradepost.audit.models import Entry
    from tradepost.providers.models import Provider

    account = Account.objects.get(pk=alice.id)
    account.set_password(NEW)
    account.save(update_fields=["password"])
    assert entries("accounts.account", alice.id)[-1].after == {"password": "secret"}
    provider = Provider.objects.get(pk=things.providers_provider)
    provider.key = "tp_live_another"
    provider.save()
    assert entries("providers.provider", provider.pk)[-1].after == {"encrypted_key": "secret"}
    secrets = (Account.objects.get(pk=alice.id).password, provider.encrypted_key.hex(), alice.digest.hex())
    written = str(list(Entry.objects.values_list("before", "after")))
    assert not any(secret in written for secret in secrets)


def test_noise_is_not_in_it(alice: Customer, things: Things) -> None:
    from tradepost.accounts.models import Account, Key
    from tradepost.audit.models import Entry
    from tradepost.ledger import operations
    from tradepost.providers.models import Provider

    before = Entry.objects.count()
    client = Client()
    client.force_login(Account.objects.get(pk=alice.id))
    Key.objects.filter(digest=alice.digest).update(last_used_at="2026-01-01T00:00Z")
    operations.top_up(alice.id, Decimal(1), actor="test")
    Provider.objects.filter(pk=things.providers_provider).update(balance=5, requests=7, last_error="slow")
    Provider.objects.get(pk=things.providers_provider).save()
    assert Entry.objects.count() == before


def test_an_actor_is_forgotten_after_the_request_and_after_one_that_fails(staff: Client, category: int) -> None:
    from tradepost.catalog.models import Category

    staff.post(reverse("admin:catalog_category_change", args=[category]), {"name": "Told", "position": "0"})
    Category.objects.filter(pk=category).update(position=1)
    assert entries("catalog.category", category)[-1].actor_kind == "database"
    with pytest.raises(ValueError, match="on purpose"), acting_as("somebody"):
        raise ValueError("on purpose")
    Category.objects.filter(pk=category).update(position=2)
    assert entries("catalog.category", category)[-1].actor_kind == "database"


def test_who_has_logged_in_as_somebody_is_the_actor(alice: Customer) -> None:
    from tests.panel.conftest import browser

    helper = sign_in(is_staff=True)
    client = browser(alice)
    session = client.session
    session["hijack_history"] = [helper.session["_auth_user_id"]]
    session.save()
    client.post(reverse("panel:keys"), {"name": "made for her", "scope": "order"})
    from tradepost.accounts.models import Key
    from tradepost.audit.models import Entry

    key = Key.objects.filter(account=alice.id).latest("id")
    [entry] = Entry.objects.filter(model="accounts.key", object_id=str(key.pk))
    assert (entry.actor_kind, entry.actor_name, entry.acting_as_id) == ("staff", email_of(helper), alice.id)


def test_what_is_done_to_orders_is_one_entry_an_action(staff: Client, things: Things) -> None:
    from tradepost.audit.models import Entry

    button = reverse("admin:orders_order_cancel", args=[things.orders_upstreamorder])
    staff.get(button)
    staff.post(button, {"_form_submitted": "True"})
    [entry] = entries("orders.order", things.orders_upstreamorder)
    assert (entry.action, entry.after, entry.address) == ("do", {"done": "cancel"}, ADDRESS)
    tick(staff, "orders_refill", "start", things.orders_refill)
    entry = Entry.objects.filter(model="orders.refill").latest("id")
    assert (entry.object_id, entry.after) == (str(things.orders_refill), {"done": "start"})


@pytest.mark.parametrize(("kind", "button"), [("refill", "done"), ("cancel", "reject")])
def test_a_decision_tells_who_made_it_on_which_row_by_which_button(
    staff: Client, things: Things, kind: str, button: str
) -> None:
    model = {"refill": "refill", "cancel": "cancelrequest"}[kind]
    row = getattr(things, f"orders_{model}")
    staff.post(reverse(f"manual_work_{kind}", args=[row]), {button: "yes"})
    [entry] = entries(f"orders.{model}", row)
    assert (entry.actor_name, entry.after) == (email_of(staff), {"done": f"manual_work_{kind}", "button": button})


def test_what_was_typed_is_no_button(staff: Client, alice: Customer, service: int) -> None:
    [order] = place(alice.id, service)
    staff.post(reverse("manual_work_take", args=[order]))
    staff.post(reverse("manual_work_order", args=[order]), {"do": "a secret"})
    staff.post(reverse("manual_work_order", args=[order]), {"do": "complete"})
    done = [entry.after for entry in entries("orders.order", order)]
    assert done == [
        {"done": "manual_work_take"},
        {"done": "manual_work_order"},
        {"done": "manual_work_order", "button": "complete"},
    ]


def test_a_confirmed_bulk_action_tells_what_was_to_be_done_and_to_how_many(
    staff: Client, alice: Customer, service: int
) -> None:
    chosen = {"action": "partial", "_selected_action": place(alice.id, service, 2)}
    page = staff.post(reverse("admin:orders_order_changelist"), chosen).headers["Location"]
    number = int(page.rstrip("/").split("/")[-2])
    staff.post(page, {"confirm": "yes", "remains": "7"})
    staff.post(page, {"stop": "yes"})
    confirmed, stopped = entries("orders.bulkaction", number)
    assert (confirmed.label, confirmed.after) == (
        "Set partial, 2 orders",
        {"done": "partial", "orders": 2, "remains": 7},
    )
    assert stopped.after == {"done": "stop"}


def test_an_action_on_all_that_match_names_the_filter_and_each_row(
    staff: Client, alice: Customer, service: int
) -> None:
    orders = place(alice.id, service, 3)
    ids = ",".join(map(str, orders))
    address = f"{reverse('admin:orders_order_changelist')}?ids={ids}"
    staff.post(address, {"action": "cancel", "select_across": "1", "_selected_action": orders[:1]})
    rows = [str(order) for order in reversed(orders)]
    assert entries("orders.order", "")[-1].after == {"done": "cancel", "filter": {"ids": ids}, "rows": rows}


def test_of_what_matches_by_the_thousand_it_tells_how_many(
    staff: Client, alice: Customer, service: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = place(alice.id, service, 3)
    address = f"{reverse('admin:orders_order_changelist')}?ids={','.join(map(str, orders))}"
    for limit, told in (("IDS_MAX", 3), ("COUNTED_MAX", "more than 2")):
        monkeypatch.setattr(actions, limit, 2)
        staff.post(address, {"action": "cancel", "select_across": "1", "_selected_action": orders[:1]})
        assert entries("orders.order", "")[-1].after["rows_chosen"] == told


def test_a_key_that_was_searched_for_is_not_in_the_filter(staff: Client, alice: Customer, service: int) -> None:
    ticked = {"action": "cancel", "select_across": "1", "_selected_action": place(alice.id, service)}
    before = entries("orders.order", "")
    staff.post(f"{reverse('admin:orders_order_changelist')}?q=tp_live_{'x' * 43}", ticked)
    assert "tp_live" not in str([entry.after for entry in entries("orders.order", "")[len(before) :]])


def test_every_table_that_staff_changes_is_watched_or_a_log() -> None:
    from tradepost.audit.actions import MODELS
    from tradepost.backoffice.ui.read_only import ReadOnlyMixin

    changed = {model._meta.label_lower for model, page in site._registry.items() if not isinstance(page, ReadOnlyMixin)}
    assert changed - LOGS - {"usersessions.usersession"} - MODELS == set()


def test_the_log_is_searched_and_narrowed_down(staff: Client, category: int) -> None:
    from tests.backoffice.test_lists import shown

    staff.post(
        reverse("admin:catalog_category_change", args=[category]), {"name": f"Sought {category}", "position": "0"}
    )
    added, changed = (entry.pk for entry in entries("catalog.category", category))
    found = shown(staff, "audit_entry", of=f"catalog.category:{category}")
    assert found == [changed, added]
    assert shown(staff, "audit_entry", q=f"Sought {category}") == [changed]
    assert changed in shown(staff, "audit_entry", q=email_of(staff), what="catalog.category", actor_kind__exact="staff")
    assert added not in shown(staff, "audit_entry", actor_kind__exact="staff")
    assert shown(staff, "audit_entry", at_from="2199-01-01") == []
    page = staff.get(reverse("admin:audit_entry_change", args=[changed])).content.decode()
    assert f"Sought {category}" in page


def test_a_list_of_entries_costs_the_same_however_many_there_are(staff: Client) -> None:
    from django.contrib.auth.models import Group

    from tests.backoffice.test_lists import queries
    from tradepost.accounts.models import Account

    address = f"{reverse('admin:audit_entry_changelist')}?q=growing-log"
    costs = []
    for number in range(2):
        for member in range(1 + 5 * number):
            account = Account.objects.create_user(f"growing-log{number}{member}@backoffice.example")
            account.groups.add(Group.objects.get(name="support"))
        costs.append(len(queries(staff, address)))
    assert costs[0] == costs[1]
