"""Notes on accounts: signed, never changed, at most one pinned, and never shown to the customer."""

from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from tests.backoffice.browsers import me, press
from tests.conftest import Customer
from tests.panel.conftest import browser
from tradepost import formats
from tradepost.accounts.models import Account, Note

TEXT = "Pays by invoice <b>monthly</b>"


def page(client: Client, alice: Customer) -> str:
    return client.get(reverse("admin:accounts_account_change", args=[alice.id])).content.decode()


def test_a_note_is_signed_and_shown_to_staff(staff: Client, alice: Customer) -> None:
    press(staff, "write_note", alice.id, text=TEXT)
    [note] = Note.objects.filter(account=alice.id)
    assert (note.text, note.author, note.is_pinned) == (TEXT, me(staff), False)
    shown = page(staff, alice)
    assert "Pays by invoice &lt;b&gt;monthly&lt;/b&gt;" in shown
    assert f"{me(staff).email}, {formats.moment(note.created_at)}" in strip_tags(shown)


def test_the_pinned_note_is_a_banner_and_there_is_one_at_most(staff: Client, alice: Customer) -> None:
    press(staff, "write_note", alice.id, text="First", is_pinned="on")
    press(staff, "write_note", alice.id, text="Second", is_pinned="on")
    first, second = Note.objects.filter(account=alice.id).order_by("id")
    assert (first.is_pinned, second.is_pinned) == (False, True)
    assert staff.get(reverse("admin:accounts_account_change", args=[alice.id])).context["pinned"] == second
    press(staff, "pin_note", alice.id, note=str(first.pk))
    assert Note.objects.get(account=alice.id, is_pinned=True) == first
    press(staff, "pin_note", alice.id, note="")
    assert not Note.objects.filter(account=alice.id, is_pinned=True).exists()


def test_a_note_of_another_account_is_not_pinned_here(staff: Client, alice: Customer, bob: Customer) -> None:
    press(staff, "write_note", bob.id, text="About Bob")
    press(staff, "write_note", alice.id, text="About Alice")
    note = Note.objects.get(account=bob.id)
    assert "HX-Redirect" not in press(staff, "pin_note", alice.id, note=str(note.pk)).headers


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE accounts_note SET text = 'another'",
        "UPDATE accounts_note SET author_id = account_id",
        "DELETE FROM accounts_note",
    ],
)
def test_a_note_stays_as_it_was_written(staff: Client, alice: Customer, change: str) -> None:
    press(staff, "write_note", alice.id, text=TEXT)
    raw: Any = connection.connection
    with pytest.raises(psycopg.errors.RestrictViolation):
        raw.execute(f"{change} WHERE account_id = %s", [alice.id])


def test_the_database_pins_one_note_of_an_account(staff: Client, alice: Customer) -> None:
    for _ in range(2):
        press(staff, "write_note", alice.id, text=TEXT)
    with pytest.raises(IntegrityError, match="note_one_pinned"), transaction.atomic():
        Note.objects.filter(account=alice.id).update(is_pinned=True)


def test_the_customer_never_sees_a_note(staff: Client, alice: Customer) -> None:
    press(staff, "write_note", alice.id, text="never-to-be-seen", is_pinned="on")
    Account.objects.get(pk=alice.id)
    client = browser(alice)
    for name in ("dashboard", "orders", "money", "settings", "keys", "new_order"):
        assert "never-to-be-seen" not in client.get(reverse(f"panel:{name}")).content.decode()
