"""Export and import of the catalog: nothing is lost, imports are previewed, and all or nothing is imported."""

import csv
import io
import zipfile
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.backoffice.browsers import sign_in
from tests.builders import make_offer, make_provider, route
from tests.conftest import Customer

type Make = Callable[..., int]
type Rows = list[list[Any]]


def as_csv(rows: Rows) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def as_xlsx(rows: Rows) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def look(client: Client, content: bytes, name: str = "service") -> Any:
    """Upload a file, and return the preview."""
    file = SimpleUploadedFile("rates.any", content)
    return client.post(reverse(f"admin:catalog_{name}_import"), {"step": "look", "file": file})


def carry(client: Client, content: bytes, name: str = "service") -> str:
    """Upload a file, confirm its preview, and return the messages."""
    shown = look(client, content, name).context
    assert shown["proposal"], shown["form"].errors
    hidden = dict(shown["hidden"])
    told = {"step": "apply", "seen": shown["proposal"].fingerprint, **hidden}
    response = client.post(reverse(f"admin:catalog_{name}_import"), told, follow=True)
    return " ".join(str(message) for message in response.context.get("messages", ()))


def cells(client: Client, content: bytes, name: str = "service") -> dict[str, tuple[str, str]]:
    """Return the kind and the changes of each line of the preview."""
    rows = look(client, content, name).context["proposal"].shown
    return {row[0]: (_plain(row[2]), _plain(row[3])) for row in rows}


def _plain(cell: str) -> str:
    text = "".join(part.partition(">")[2] if ">" in part else part for part in f">{cell}".split("<"))
    return " ".join(text.split())


@pytest.mark.parametrize("write", [as_csv, as_xlsx])
def test_rows_with_an_id_change_and_rows_without_are_new(staff: Client, service: int, write: Any) -> None:
    from tradepost.catalog.models import Service

    content = write(
        [
            ["ID", "category", "name", "rate", "max"],
            [service, "Tests", "Renamed", 0.1, ""],
            ["", "Tests", "New", "1.0000001", 50],
        ]
    )
    told = cells(staff, content)
    assert told["2"] == ("changed", "name Followers → Renamed rate 0.90 → 0.10")
    assert told["3"][0] == "new", told
    assert Service.objects.get(pk=service).name == "Followers"
    assert "1 new, 1 changed." in carry(staff, content)
    changed = Service.objects.get(pk=service)
    assert (changed.name, changed.rate, changed.max) == ("Renamed", Decimal("0.1"), 10_000)
    new = Service.objects.latest("id")
    assert (new.name, new.rate, new.min, new.max, new.is_active) == ("New", Decimal("1.0000001"), 1, 50, True)
    assert "unchanged" in cells(staff, write([["id", "name", "rate"], [service, "Renamed", "0.1"]]))["2"]


@pytest.mark.parametrize(
    ("header", "row", "why"),
    [
        ("id,rate", "999999999,1", "id: There is no service 999999999."),
        ("id,rate", "x,1", "id: There is no service x."),
        ("id,rate", "{service},-1", "rate: Ensure this value is greater than or equal to 0."),
        ("id,rate", "{service},0.00000001", "rate: Ensure that there are no more than 7 decimal places."),
        ("id,rate", "{service},nan", "rate: “nan” is no number."),
        ("id,rate", '{service},"1,500"', "rate: “1,500” may mean 1.5 or 1500: write it without grouping."),
        ("id,min,max", "{service},100,10", "max: At least the minimum, 100."),
        ("id,min", "{service},0", "min: At least 1."),
        ("id,cancel", "{service},maybe", "cancel: “maybe” is neither yes nor no."),
        ("id,type", "{service},Nonsense", "type: Value 'Nonsense' is not a valid choice."),
        ("id,link_kind", "{service},video", "link_kind: Value 'video' is not a valid choice."),
        ("id,category", "{service},Nowhere", "category: There is no category “Nowhere”."),
        ("id,link_pattern", "{service},(a", "link_pattern: This is no regular expression: missing ): (a."),
        ("name,rate", "New,1", "category: Empty, but the row is a new one."),
        ("id,colour", "{service},red", "There are no such columns: colour."),
    ],
)
def test_what_is_wrong_is_told_by_its_line_and_nothing_is_imported(
    staff: Client, service: int, header: str, row: str, why: str
) -> None:
    content = f"{header}\n{row.format(service=service)}\n".encode()
    response = look(staff, content)
    assert why in " ".join(_plain(each[3]) for each in response.context["proposal"].shown)
    assert response.context["proposal"].count == 0
    assert "Nothing is imported while anything is wrong" in response.content.decode()


def test_one_wrong_line_stops_the_file(staff: Client, service: int, make_service: Make) -> None:
    from tradepost.catalog.models import Service

    other = make_service()
    content = f"id,rate\n{service},5\n\n{other},x\n{service},6".encode()
    told = cells(staff, content)
    assert told["4"][0] == told["5"][0] == "wrong"
    assert "Another line is about the same." in told["5"][1]
    shown = look(staff, content).context
    told_back = {"step": "apply", "seen": shown["proposal"].fingerprint, **dict(shown["hidden"])}
    assert staff.post(reverse("admin:catalog_service_import"), told_back).status_code == 200
    assert Service.objects.get(pk=service).rate == Decimal("0.9")


def test_what_has_changed_since_the_look_is_looked_at_again(staff: Client, service: int) -> None:
    from tradepost.catalog.models import Service

    shown = look(staff, f"id,rate\n{service},5".encode()).context
    Service.objects.filter(pk=service).update(rate=3)
    told = {"step": "apply", "seen": shown["proposal"].fingerprint, **dict(shown["hidden"])}
    response = staff.post(reverse("admin:catalog_service_import"), told)
    assert "Nothing has been done yet" in response.content.decode()
    assert Service.objects.get(pk=service).rate == Decimal(3)


def test_a_file_that_is_not_kept_any_more_is_to_be_chosen_again(staff: Client, service: int) -> None:
    from tradepost.catalog.models import PendingImport, Service

    shown = look(staff, as_csv([["id", "rate"], [service, "2"]])).context
    PendingImport.objects.filter(pk=dict(shown["hidden"])["upload"]).update(content=b"id,rate")
    told = {"step": "apply", "seen": shown["proposal"].fingerprint, **dict(shown["hidden"])}
    response = staff.post(reverse("admin:catalog_service_import"), told)
    assert response.context["form"].errors["file"] == ["Choose it again."]
    assert Service.objects.get(pk=service).rate == Decimal("0.90")


def test_numbers_of_a_spreadsheet_are_what_it_shows(staff: Client, service: int) -> None:
    from tradepost.catalog.models import Service

    for cell, rate in (
        (0.1, "0.1"),
        (0.9 * 1.2, "1.08"),
        (0.1 + 0.2, "0.3"),
        (12345678.1234567, "12345678.1234567"),
        ("=1+1", None),
    ):
        content = as_xlsx([["id", "rate"], [float(service), cell]])
        if rate is None:  # the file has a formula without a computed value
            assert "unchanged" in cells(staff, content)["2"]
        else:
            assert "1 changed" in carry(staff, content)
            assert Service.objects.get(pk=service).rate == Decimal(rate)
    response = look(staff, as_xlsx([["id", "rate"], [service, 123456789.1234567]]))
    assert "a spreadsheet does not hold" in response.content.decode()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "It is empty."),
        (b"PK\x03\x04 and no more", "It can't be read"),
        (b"\xff\xfe\x00", "It begins as UTF-16 and goes on as something else."),
        (b"id,id\n1,2", "each once"),
        (b"id\n1,2,3", "Line 2 has 3 cells, but there are 1 columns."),
        (b"id\n" + b"1\n" * 20_001, "It has more than 20,000 rows."),
        (b"x" * 10_000_001, "no more than 10,000,000"),
    ],
)
def test_what_is_no_such_file_says_why(staff: Client, content: bytes, why: str) -> None:
    response = look(staff, content)
    assert response.context["proposal"] is None
    text = response.content.decode().replace("&#x27;", "'")
    assert (why in text) or ("The submitted file is empty." in text)


def test_a_file_that_unpacks_without_end_is_not_unpacked(staff: Client) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file, file.open("xl/workbook.xml", "w") as bomb:
        for _ in range(201):
            bomb.write(b" " * 1_000_000)
    assert "It is larger than it looks." in look(staff, packed.getvalue()).content.decode()


@pytest.mark.parametrize("action", ["export_ticked_csv", "export_ticked_xlsx"])
def test_what_is_exported_is_imported_as_it_was(staff: Client, make_service: Make, action: str) -> None:
    evil = make_service(
        name="=cmd|' /C calc'!A0",
        description="@SUM(1)\n'plain",
        rate=Decimal("1234567890123.1234567"),
        link_pattern="+",
    )
    plain = make_service(name="Ünï", max=2**62)
    from tradepost.catalog.models import Service

    Service.objects.filter(pk=evil).update(link_pattern="-x")
    ticked = {"action": action, "_selected_action": [evil, plain]}
    content = staff.post(reverse("admin:catalog_service_changelist"), ticked).content
    rows = (
        list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
        if action.endswith("csv")
        else [list(row) for row in openpyxl.load_workbook(io.BytesIO(content)).active.iter_rows(values_only=True)]
    )
    assert not any(str(cell).startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    assert "'=cmd|' /C calc'!A0" in {str(cell) for row in rows for cell in row}
    told = cells(staff, content)
    assert [kind for kind, _ in told.values()] == ["unchanged", "unchanged"]


def test_categories_are_carried_too(staff: Client) -> None:
    from tradepost.catalog.models import Category

    kept = Category.objects.create(name="Carried", position=3)
    assert "1 new, 1 changed." in carry(
        staff, f"id,name,position\n{kept.pk},Carried,9\n,Carried too,4".encode(), "category"
    )
    assert Category.objects.get(pk=kept.pk).position == 9
    assert Category.objects.get(name="Carried too").position == 4
    assert "Another category has this name." in cells(staff, b"name\nCarried too", "category")["2"][1]
    assert (
        staff.post(
            reverse("admin:catalog_category_changelist"), {"action": "export_ticked_csv", "_selected_action": [kept.pk]}
        ).status_code
        == 200
    )


def test_custom_rates_are_carried_by_address_and_service(
    staff: Client, alice: Customer, service: int, make_service: Make
) -> None:
    from tradepost.catalog.models import CustomRate

    other = make_service()
    CustomRate.objects.create(account_id=alice.id, service_id=service, rate="0.5")
    content = f"account,service,rate\n{alice.email.upper()},{service},0.4\n{alice.email},{other},0.3".encode()
    told = cells(staff, content, "customrate")
    assert told["2"] == ("changed", "rate 0.50 → 0.40")
    assert "1 new, 1 changed." in carry(staff, content, "customrate")
    rates = dict(CustomRate.objects.filter(account=alice.id).values_list("service", "rate"))
    assert rates == {service: Decimal("0.4"), other: Decimal("0.3")}
    wrong = f"account,service,rate\nnobody@nowhere.example,{service},1\n{alice.email},999999999,1".encode()
    told = cells(staff, wrong, "customrate")
    assert "There is no account “nobody@nowhere.example”." in told["2"][1]
    assert "There is no service “999999999”." in told["3"][1]
    picked = {
        "action": "export_ticked_csv",
        "_selected_action": list(CustomRate.objects.filter(account=alice.id).values_list("pk", flat=True)),
    }
    exported = staff.post(reverse("admin:catalog_customrate_changelist"), picked).content.decode("utf-8-sig")
    assert f"{alice.email},{service},0.40" in exported


def test_what_is_imported_below_cost_goes_into_quarantine(staff: Client, service: int) -> None:
    from tradepost.catalog.models import Service

    route(service, make_offer(make_provider(), rate=Decimal("0.5")))
    assert "are in quarantine" in carry(staff, f"id,rate\n{service},0.4".encode())
    assert not Service.objects.get(pk=service).is_active
    assert "settle that first" in cells(staff, f"id,is_active\n{service},yes".encode())["2"][1]


def test_four_hundred_rows_take_as_few_statements_as_four(staff: Client) -> None:
    from tradepost.catalog.models import Category, Service

    category = Category.objects.create(name="Carried by the thousand")
    Service.objects.bulk_create(Service(category=category, name="Many", rate=1, max=10) for _ in range(200))
    ids = list(category.services.values_list("pk", flat=True))

    def statements(count: int, rate: str) -> int:
        rows = [[id_, category.name, "Many", rate] for id_ in ids[:count]] + [["", category.name, "New", rate]] * count
        with CaptureQueriesContext(connection) as captured:
            assert f"{count:,} new, {count:,} changed." in carry(
                staff, as_csv([["id", "category", "name", "rate"], *rows])
            )
        return len(captured.captured_queries)

    few = statements(2, "2")
    assert statements(200, "3") == few


def test_only_who_may_carries(make_service: Make) -> None:
    from django.contrib.auth.models import Permission

    from tradepost.accounts.models import Account

    client = sign_in(is_staff=True)
    account = Account.objects.latest("id")
    changers = Permission.objects.filter(
        content_type__app_label="catalog", codename__in=["view_service", "add_service", "change_service"]
    )
    account.user_permissions.set(changers)
    address, list_address = reverse("admin:catalog_service_import"), reverse("admin:catalog_service_changelist")
    ticked = {"action": "export_ticked_csv", "_selected_action": [make_service()]}
    assert client.get(address).status_code == 403
    assert client.post(list_address, ticked).headers["Content-Type"].startswith("text/html")
    account.user_permissions.add(*Permission.objects.filter(codename__in=["import_catalog", "export_catalog"]))
    assert client.get(address).status_code == 200
    assert client.post(list_address, ticked).headers["Content-Type"].startswith("text/csv")
    upload = look(client, b"id\n").context
    assert upload["hidden"]
    other = sign_in(is_staff=True, is_superuser=True)
    assert "Choose a file." in other.post(address, {"step": "look", **dict(upload["hidden"])}).content.decode()
