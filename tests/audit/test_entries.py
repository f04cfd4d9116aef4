"""Entries of the audit log, which triggers of the database write: by whom, and what is secret or left out."""

from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction

from tests.conftest import Customer


def entries(model: str, row: object) -> list[Any]:
    """Return the log's entries about a row, the oldest first."""
    from tradepost.audit.models import Entry

    return list(Entry.objects.filter(model=model, object_id=str(row)).order_by("id"))


def acting_as(name: str) -> Any:
    from tradepost.audit.actor import Actor, ActorKind, acting

    return acting(Actor(kind=ActorKind.STAFF.value, name=name))


@pytest.fixture
def category() -> int:
    from tradepost.catalog.models import Category

    return Category.objects.create(name=f"Watched {Category.objects.count()}").pk


def test_what_a_group_may_do_is_watched() -> None:
    from django.contrib.auth.models import Group, Permission

    group = Group.objects.create(name=f"Watched {Group.objects.count()}")
    group.permissions.add(may := Permission.objects.get(codename="view_order"))
    group.permissions.clear()
    made, given, taken = entries("auth.group", group.pk)
    assert made.action == "add"
    assert given.after == taken.before == {"permission_id": may.pk}


def test_everything_binary_that_is_watched_is_a_secret() -> None:
    from django.db.models import BinaryField

    from tradepost.audit.diff import model_of
    from tradepost.audit.tables import AUDITED_TABLES

    for watched in AUDITED_TABLES:
        model = model_of(watched.model)
        assert model, watched
        binary = {field.column for field in model._meta.fields if isinstance(field, BinaryField)}
        assert watched.is_link_table or binary <= {*watched.secret_columns}, watched.table


def test_the_credit_limit_is_watched_and_the_balance_is_not(alice: Customer) -> None:
    from tradepost.ledger.models import LedgerAccount

    LedgerAccount.objects.filter(account=alice.id).update(credit_limit=50, balance=100)
    account = LedgerAccount.objects.get(account=alice.id)
    [entry] = entries("ledger.ledgeraccount", account.pk)
    assert (entry.before, entry.after) == ({"credit_limit": 0}, {"credit_limit": 50})
    assert (entry.owner_model, entry.owner_id, entry.label) == ("accounts.account", str(alice.id), alice.email)


def test_the_hot_tables_have_no_trigger_of_it(connection: psycopg.Connection) -> None:
    rows = connection.execute(
        "SELECT tgrelid::regclass::text, tgattr::text FROM pg_trigger WHERE tgname = 'write_audit_entry'"
    )
    watched: dict[str, str] = dict(rows.fetchall())
    assert not {"orders_order", "orders_orderevent", "ledger_transfer", "orders_upstreamorder"} & watched.keys()
    for table in ("ledger_account", "accounts_key", "providers_provider"):
        assert watched[table], f"the trigger of {table} is bound to columns"


def test_what_nobody_has_introduced_is_on_the_database(category: int) -> None:
    [entry] = entries("catalog.category", category)
    assert entry.actor_kind == "database"
    assert entry.actor_name
    assert entry.actor_id is None


def test_an_actor_is_told_to_a_connection_that_is_made_anew(category: int) -> None:
    from tradepost.catalog.models import Category

    with acting_as("somebody"):
        connection.close()
        Category.objects.filter(pk=category).update(position=3)
    assert entries("catalog.category", category)[-1].actor_name == "somebody"


def test_an_actor_outlives_a_transaction_that_is_rolled_back(category: int) -> None:
    from tradepost.catalog.models import Category

    with acting_as("somebody"):
        with pytest.raises(IntegrityError), transaction.atomic():
            Category.objects.filter(pk=category).update(position=None)
        Category.objects.filter(pk=category).update(position=4)
    assert entries("catalog.category", category)[-1].actor_name == "somebody"
    assert connection.connection is not None


def test_what_follows_a_providers_list_is_quiet_for_its_transaction(category: int) -> None:
    from tradepost.audit.actor import disable_for_transaction
    from tradepost.catalog.models import Category

    before = len(entries("catalog.category", category))
    with transaction.atomic():
        disable_for_transaction()
        Category.objects.filter(pk=category).update(position=5)
    assert len(entries("catalog.category", category)) == before
    Category.objects.filter(pk=category).update(position=6)
    assert len(entries("catalog.category", category)) == before + 1


def test_nothing_in_it_is_ever_changed(category: int) -> None:
    from tradepost.audit.models import Entry

    [entry] = entries("catalog.category", category)
    for change in (lambda: Entry.objects.filter(pk=entry.pk).update(label="x"), entry.delete):
        with pytest.raises(IntegrityError, match="never allowed"), transaction.atomic():
            change()
    with pytest.raises(IntegrityError, match="never allowed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE audit_entry")
