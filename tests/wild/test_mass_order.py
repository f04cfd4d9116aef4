"""Mass orders as people paste them: each line is read as it was meant, or stays in the box with its reason."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.conftest import Customer
from tradepost.orders.models import Order

PAGE = "/orders/mass/"
LINK = "https://pixelpond.example/p"


@pytest.fixture
def client(alice: Customer) -> Client:
    """Alice's browser."""
    from tradepost.accounts.models import Account

    browser = Client(SERVER_NAME="127.0.0.1")
    browser.force_login(Account.objects.get(pk=alice.id))
    return browser


def send(client: Client, text: str, button: str = "check", **form: str) -> str:
    """Send the form by a button, and return the page; the list of orders if all were placed."""
    response = client.post(PAGE, {"orders": text, button: "1", **form}, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def box(page: str) -> str:
    """Return what the box holds."""
    found = re.search(r"<textarea[^>]*>(.*?)</textarea>", page, re.DOTALL)
    assert found
    return html.unescape(found[1]).strip("\n")


def fields(page: str) -> dict[str, str]:
    """Return the form's other fields, as a browser would send them."""
    hidden = re.findall(r'<input\s+type="hidden"\s+name="(name|shown)"\s+value="([^"]*)"', page)
    chosen = re.search(r'<option\s+value="([^"]*)"\s+selected', page)
    return {**dict(hidden), "columns": chosen[1] if chosen else ""}


def said(page: str) -> str:
    """Return the page's text."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def placed(alice: Customer) -> list[tuple[int, str, int]]:
    """Return Alice's orders: service, link and quantity."""
    return list(Order.objects.filter(account=alice.id).order_by("id").values_list("service_id", "link", "quantity"))


# What people paste, with `S` for the service's id: the text, the link and the quantity that it means.
PASTED: list[tuple[str, str, str, int]] = [
    ("ours", f"S | {LINK} | 100", LINK, 100),
    ("other panels'", f"S|100|{LINK}", LINK, 100),
    ("other panels', with blanks", f" S | 100 | {LINK} ", LINK, 100),
    ("a bar at the end", f"S|100|{LINK}|", LINK, 100),
    ("bars around", f"| S | {LINK} | 100 |", LINK, 100),
    ("a table of Markdown", f"| service | link | quantity |\n|---|---|---|\n| S | {LINK} | 100 |", LINK, 100),
    ("tabs", f"S\t{LINK}\t100", LINK, 100),
    ("tabs, quantity first", f"S\t100\t{LINK}\t\t", LINK, 100),
    ("semicolons", f"S;{LINK};100;;", LINK, 100),
    ("commas", f"S,{LINK},100", LINK, 100),
    ("commas, quantity first", f"S,100,{LINK}", LINK, 100),
    ("blanks", f"S {LINK} 100", LINK, 100),
    ("blanks, quantity first", f"S   100   {LINK}", LINK, 100),
    ("link first", f"{LINK} | S | 100", LINK, 100),
    ("a BOM", f"\ufeffS|100|{LINK}", LINK, 100),
    ("characters that nobody sees", f"\u200bS\u200b|100\u2060|\u202a{LINK}\u202c", LINK, 100),
    ("NBSP", f"S\u00a0|\u00a0{LINK}\u00a0|\u00a0100\u00a0", LINK, 100),
    ("NBSP between", f"S\u00a0{LINK}\u00a0100", LINK, 100),
    ("names of the columns", f"Service ID | Link | Quantity\nS | {LINK} | 100", LINK, 100),
    ("names in another order", f"id;quantity;link\nS;100;{LINK}", LINK, 100),
    ("names in Spanish", f"servicio\tcantidad\tenlace\nS\t100\t{LINK}", LINK, 100),
    ("names in Russian", f"Услуга;Ссылка;Количество\nS;{LINK};100", LINK, 100),
    ("CRLF and blank lines", f"\r\n\r\nS|{LINK}|100\r\n \r\n", LINK, 100),
    ("CR alone", f"id|link|quantity\rS|{LINK}|100\r", LINK, 100),
    ("quotes of a spreadsheet", f'S,"{LINK}","100"', LINK, 100),
    ("quotes around all", f'"S","100","{LINK}"', LINK, 100),
    ("a line in quotes", f'"S|100|{LINK}"', LINK, 100),
    ("typographic quotes", f"S | “{LINK}” | 100", LINK, 100),
    ("a link with commas", f"S | {LINK}/@1.5,2.5,17z | 100", f"{LINK}/@1.5,2.5,17z", 100),
    ("a link with commas between commas", f"S,100,{LINK}/a,b", f"{LINK}/a,b", 100),
    ("a link with commas in quotes", f'S,"{LINK}/a,b",100', f"{LINK}/a,b", 100),
    ("a link with semicolons", f"S;{LINK}/a;b=1;100", f"{LINK}/a;b=1", 100),
    ("a link with bars", f"S|{LINK}/a|b|100", f"{LINK}/a|b", 100),
    ("a link with bars at the end", f"S|100|{LINK}/a|b", f"{LINK}/a|b", 100),
    ("a name as the link", "S|100|@nina", "@nina", 100),
    ("grouped by a comma", f"S | {LINK} | 1,000", LINK, 1000),
    ("grouped by a comma in quotes", f'S,"1,000",{LINK}', LINK, 1000),
    ("grouped by a blank", f"S | {LINK} | 1 000", LINK, 1000),
    ("grouped by a blank between blanks", f"S {LINK} 1 000", LINK, 1000),
    ("grouped by a blank, quantity first", f"S 1 000 {LINK}", LINK, 1000),
    ("grouped by NBSP", f"S|1\u00a0000|{LINK}", LINK, 1000),
    ("grouped by an apostrophe", f"S|1'000|{LINK}", LINK, 1000),
    ("a float", f"S | {LINK} | 1000.0", LINK, 1000),
    ("a float with a comma", f"S;{LINK};1000,00", LINK, 1000),
    ("an id as a float", f"S.0\t1000.0\t{LINK}", LINK, 1000),
    ("other digits", f"S|۱۰۰|{LINK}", LINK, 100),
    ("leading zeros", f"00S|0100|{LINK}", LINK, 100),
]


@pytest.mark.parametrize("case", [case[1:] for case in PASTED], ids=[case[0] for case in PASTED])
def test_a_line_is_ordered_as_it_was_meant(
    client: Client, alice: Customer, service: int, case: tuple[str, str, int]
) -> None:
    text, link, quantity = case
    page = send(client, re.sub(r"\bS\b", str(service), text.replace("00S", f"00{service}")))
    assert not placed(alice)
    send(client, box(page), "place", **fields(page))
    assert placed(alice) == [(service, link, quantity)], said(page)


# Lines that can't be read for sure, and what the page says.
REFUSED = [
    (f"S | {LINK}", "Use the format: service | link | quantity"),
    ("something else", "Use the format: service | link | quantity"),
    (f"S | {LINK} | 1.000", "The quantity may mean 1 or 1000: write it without grouping."),
    (f"S,{LINK},1,500", "The quantity may mean 500 or 1500: write it without grouping."),
    (f"S,{LINK},1,500.0", "The quantity may mean 500 or 1500: write it without grouping."),
    (f"S,1,500,{LINK}", "The quantity may mean 1 or 1500: write it without grouping."),
    (f"S | {LINK} | 100.5", "Enter a whole number, for example 1000"),
    (f"S | {LINK} | 1E+03", "Enter a whole number, for example 1000"),
    (f"S | {LINK} | many", "Enter a whole number, for example 1000"),
    (f"S | {LINK} | -100", "Minimum quantity is 10"),
    (f"999999999 | {LINK} | 100", "There is no service with this id."),
    (f"999999999|100|{LINK}", "There is no service with this id."),
    ("S | | 100", "Enter a link"),
    (f"S|100|{LINK}|50", "The line has more than three columns."),
    (f"S|{LINK}|100|50", "The line has more than three columns."),
    (f"S\t100\t{LINK}\tfor Nina", "The line has more than three columns."),
    (f"S;100;{LINK};a note", "The line has more than three columns."),
    (f"S|100|{LINK} S|100|{LINK}", "The line has more than three columns."),
    (f"S||{LINK}|100", "The line has more than three columns."),
]


@pytest.mark.parametrize("case", REFUSED, ids=str)
@pytest.mark.parametrize("button", ["check", "place", "place_good"])
def test_a_line_that_is_unclear_stays_in_the_box_with_its_reason(
    client: Client, alice: Customer, service: int, case: tuple[str, str], button: str
) -> None:
    line, why = case
    text = re.sub(r"\bS\b", str(service), line)
    page = send(client, text, button)
    assert why in said(page)
    assert box(page) == text
    assert not placed(alice)


def test_what_was_recognised_is_said_above_the_preview(client: Client, service: int) -> None:
    text = said(send(client, f"id;quantity;link\n{service};100;{LINK}\n{service}\t100\t{LINK}"))
    assert "The columns were read as service | quantity | link. Between them: semicolons, tabs." in text
    assert "The first line names them." in text
    assert "1 line" not in text


def test_all_lines_together_decide_which_column_is_which(
    client: Client, alice: Customer, make_service: Callable[..., int]
) -> None:
    first, second = make_service(max=10**9), make_service(max=10**9)
    text = f"5001|{first}|{LINK}/1\n5002|{second}|{LINK}/2"
    page = send(client, text, "place")
    assert "read as quantity | service | link" in said(page)
    assert "No orders have been placed. The columns may be in another order" in said(page)
    assert not placed(alice)
    send(client, box(page), "place", **fields(page))
    assert placed(alice) == [(first, f"{LINK}/1", 5001), (second, f"{LINK}/2", 5002)]


def test_a_quantity_that_is_by_chance_a_service_s_id_is_no_service(
    client: Client, alice: Customer, make_service: Callable[..., int]
) -> None:
    gone, other = make_service(is_active=False), make_service(min=1)
    page = send(client, f"{gone}|{other}|{LINK}", "place")
    assert "There is no service with this id." in page
    assert not placed(alice)


def test_one_line_that_fits_a_usual_order_rules_out_the_unusual_ones(
    client: Client, make_service: Callable[..., int]
) -> None:
    one, two, gone = make_service(min=1), make_service(min=1), make_service(is_active=False)
    page = send(client, f"{one}|{LINK}/1|{two}\n{gone}|{LINK}/2|{two}\n{gone}|{LINK}/3|{two}")
    assert "read as service | link | quantity" in said(page)
    assert said(page).count("There is no service with this id.") == 2


def test_numbers_alone_are_placed_only_after_the_preview(client: Client, alice: Customer, service: int) -> None:
    page = send(client, f"{service}|100|5000", "place")
    assert "The columns may be in another order" in page
    assert not placed(alice)
    send(client, box(page), "place", columns="service quantity link")
    assert placed(alice) == [(service, "5000", 100)]


def test_the_switch_reads_the_columns_in_the_other_order(
    client: Client, alice: Customer, make_service: Callable[..., int]
) -> None:
    one, two = make_service(min=1, max=10**6), make_service(min=1, max=10**6)
    text = f"{one}|{two}|{LINK}"
    assert "read as service | quantity | link" in said(send(client, text))
    page = send(client, text, columns="quantity service link")
    assert "read as quantity | service | link" in said(page)
    send(client, box(page), "place", **fields(page))
    assert placed(alice) == [(two, LINK, one)]


@pytest.fixture
def mixed(service: int) -> tuple[str, list[str]]:
    """Good and bad lines from several places, and the bad ones alone."""
    bad = [f"{service} | 1 | {LINK}/few", "hello, order", f"{service};1.000;{LINK}/half"]
    good = [f"{service}|100|{LINK}/1", f"{service}\t100\t{LINK}/2", f"{service},100,{LINK}/2"]
    wrong_order = f"{service} | {LINK}/1 | 100"
    return "\n".join([bad[0], good[0], "", bad[1], good[1], good[2], bad[2], wrong_order]), [*bad, wrong_order]


def test_good_lines_are_placed_and_bad_ones_stay_in_the_box(
    client: Client, alice: Customer, service: int, mixed: tuple[str, list[str]]
) -> None:
    text, bad = mixed
    page = send(client, text)
    assert "Place the 3 correct lines" in said(page)
    after = send(client, text, "place_good", **fields(page))
    assert box(after).splitlines() == bad
    assert "3 orders placed." in said(after)
    assert "4 lines are left. They have not been placed." in said(after)
    for why in (
        "Minimum quantity is 10",
        "Use the format: service | link | quantity",
        "The quantity may mean 1 or 1000",
        "The columns of this line are in another order: service | link | quantity.",
    ):
        assert why in said(after)
    assert placed(alice) == [(service, f"{LINK}/{number}", 100) for number in (1, 2, 2)]


def test_nothing_is_bought_twice_however_often_a_form_is_sent(
    client: Client, alice: Customer, mixed: tuple[str, list[str]]
) -> None:
    text, bad = mixed
    page = send(client, text)
    for _ in range(3):
        send(client, text, "place_good", **fields(page))
    without_the_first = text.partition("\n")[2]  # back to the old page, and a line above deleted
    send(client, without_the_first, "place_good", **fields(page))
    assert len(placed(alice)) == 3
    after = send(client, text, "place_good", **fields(page))
    send(client, "\n".join(bad[1:]), "place_good", **fields(after))
    assert len(placed(alice)) == 3


def test_a_corrected_line_is_a_new_order_though_an_equal_one_was_placed(
    client: Client, alice: Customer, service: int
) -> None:
    good = f"{service} | {LINK} | 100"
    page = send(client, f"{good}\n{good} x")
    after = send(client, f"{good}\n{good} x", "place_good", **fields(page))
    assert box(after) == f"{good} x"
    for _ in range(2):
        send(client, good, "place", **fields(after))
    assert placed(alice) == [(service, LINK, 100)] * 2


def test_lines_that_the_balance_does_not_cover_stay_in_the_box(client: Client, alice: Customer, service: int) -> None:
    lines = [f"{service} | {LINK}/{number} | 10000" for number in range(12)]  # 9.00 each, of 100.00
    text = "\n".join([*lines, "no order"])
    page = send(client, text)
    after = send(client, text, "place_good", **fields(page))
    assert box(after).splitlines() == [lines[11], "no order"]
    assert "Your balance is too low." in said(after)
    assert len(placed(alice)) == 11


def test_lines_are_counted_as_the_box_shows_them(client: Client, service: int) -> None:
    page = send(client, f"\n{service} | {LINK} | 100\n\n{service} | {LINK} | 1")
    assert re.findall(r"<td>(\d+)</td>", page) == ["2", "4"]


@pytest.mark.parametrize(
    "line",
    [
        "|||",
        "\t\t\t",
        ",,,;;;|||",
        '"',
        '""""',
        '"a"b|c|d',
        "||||||||||" * 50,
        "=1+1",
        "\\",
        "%s|%d|{}",
        "|" * 5000,
        '"' + "x|" * 80_000,
    ],
)
def test_whatever_is_pasted_is_answered(client: Client, alice: Customer, service: int, line: str) -> None:
    for button in ("check", "place", "place_good"):
        send(client, f"{line}\n{service} | {LINK}", button)
    assert not placed(alice)


def test_a_name_in_the_form_that_is_unknown_is_ignored(client: Client, service: int) -> None:
    form: dict[str, Any] = {"columns": "a b c", "shown": "x"}
    assert "read as service | link | quantity" in said(send(client, f"{service} | {LINK} | 100", **form))
