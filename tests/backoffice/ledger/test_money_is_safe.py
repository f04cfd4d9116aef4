"""No POST to the back office adds, changes or deletes a row of the ledger."""

import pytest
from django.forms.models import model_to_dict
from django.test import Client
from django.urls import reverse

from tests.backoffice.conftest import Things

READ_ONLY = (
    "orders_order",
    "ledger_transfer",
    "ledger_ledgeraccount",
    "ledger_manualpayment",
    "accounts_impersonation",
    "accounts_key",
    "procrastinate_procrastinatejob",
)
NEVER_DELETED = (*READ_ONLY, "accounts_account", "catalog_service")


def row_of(name: str, things: Things) -> dict[str, object]:
    from django.apps import apps

    model = apps.get_model(name.replace("_", ".", 1))
    return model_to_dict(
        model._default_manager.get(pk=getattr(things, name)), [field.name for field in model._meta.fields]
    )


@pytest.mark.parametrize("name", READ_ONLY)
def test_nothing_is_added(staff: Client, name: str) -> None:
    address = reverse(f"admin:{name}_add")
    assert staff.get(address).status_code == 403
    assert staff.post(address, {"amount": "5"}).status_code == 403


@pytest.mark.parametrize("name", READ_ONLY)
def test_nothing_is_changed(staff: Client, things: Things, name: str) -> None:
    before = row_of(name, things)
    forged = dict.fromkeys(before, "1") | {"status": "Canceled", "charge": "0", "balance": "99999"}
    address = reverse(f"admin:{name}_change", args=[getattr(things, name)])
    assert staff.post(address, forged).status_code == 403
    assert row_of(name, things) == before


@pytest.mark.parametrize("name", NEVER_DELETED)
def test_nothing_is_deleted(staff: Client, things: Things, name: str) -> None:
    row = getattr(things, name)
    assert staff.post(reverse(f"admin:{name}_delete", args=[row]), {"post": "yes"}).status_code == 403
    ticked = {"action": "delete_selected", "_selected_action": [row], "post": "yes"}
    staff.post(reverse(f"admin:{name}_changelist"), ticked)
    assert row_of(name, things)


@pytest.mark.parametrize("name", ["orders_order", "ledger_transfer"])
def test_a_list_takes_no_changes(staff: Client, things: Things, name: str) -> None:
    before = row_of(name, things)
    forged = {"form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "form-0-id": getattr(things, name), "form-0-charge": 0}
    staff.post(reverse(f"admin:{name}_changelist"), {**forged, "_save": "Save"})
    assert row_of(name, things) == before


def test_an_accounts_money_is_not_in_its_form(staff: Client, things: Things) -> None:
    from tradepost.accounts.models import Account

    account = Account.objects.get(pk=things.accounts_account)
    before = row_of("ledger_ledgeraccount", things)
    form = {"email": account.email, "name": "Alice", "is_active": "on", "balance": "5000", "credit_limit": "5000"}
    management = {"keys-TOTAL_FORMS": 0, "keys-INITIAL_FORMS": 0, "ledger_account-0-balance": "5000"}
    response = staff.post(reverse("admin:accounts_account_change", args=[account.pk]), {**form, **management})
    assert response.status_code == 302
    account.refresh_from_db()
    assert account.name == "Alice"
    assert row_of("ledger_ledgeraccount", things) == before


def test_a_key_of_an_account_is_not_changed_in_the_accounts_form(staff: Client, things: Things) -> None:
    before = row_of("accounts_key", things)
    form = {"email": "alice-new@backoffice.example", "is_active": "on"}
    forged = {
        "keys-TOTAL_FORMS": 1,
        "keys-INITIAL_FORMS": 1,
        "keys-0-id": things.accounts_key,
        "keys-0-account": things.accounts_account,
        "keys-0-scope": "read",
        "keys-0-DELETE": "on",
    }
    staff.post(reverse("admin:accounts_account_change", args=[things.accounts_account]), {**form, **forged})
    assert row_of("accounts_key", things) == before
