"""XML within a workbook names no file to be read and grows by no entity."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from django.test import Client

from tests.wild.import_page import upload
from tests.wild.workbook_files import PARTS, by_hand, zipped

SHEET = "xl/worksheets/sheet1.xml"
SECRET = "hunter2 of the file"

_numbers = count(1)


def _cell(text: str) -> str:
    return f'<c t="inlineStr"><is><t>{text}</t></is></c>'


def _sheet(doctype: str, cell: str) -> bytes:
    sheet = _worksheet(f"<row>{_cell('id')}{_cell('name')}</row><row>{_cell(cell)}{_cell('Likes')}</row>")
    return zipped({**PARTS, SHEET: f'<?xml version="1.0"?>{doctype}{sheet}'})


def _worksheet(cells: str) -> str:
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>'


@pytest.fixture
def staff() -> Client:
    from tradepost.accounts.models import Account

    client = Client(SERVER_NAME="127.0.0.1")
    email = f"entities{next(_numbers)}@tradepost.example"
    client.force_login(Account.objects.create_user(email, is_staff=True, is_superuser=True))
    return client


def _in_sheet(doctype: str) -> bytes:
    return _sheet(doctype, "&e;")


def _in_book(doctype: str) -> bytes:
    book = PARTS["xl/workbook.xml"].replace('name="Prices"', 'name="Prices &e;"')
    cells = f"<row>{_cell('id')}{_cell('name')}</row><row>{_cell('1')}{_cell('Likes')}</row>"
    return by_hand(cells, {"xl/workbook.xml": f'<?xml version="1.0"?>{doctype}{book}'})


@pytest.mark.parametrize("file_of", [_in_sheet, _in_book])
def test_no_file_is_read_for_an_entity(staff: Client, tmp_path: Path, file_of: Callable[[str], bytes]) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    seen = upload(staff, file_of(f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]>'), "a.xlsx")
    assert SECRET not in seen.text


def test_a_text_within_a_workbook_would_be_on_the_page(staff: Client) -> None:
    assert SECRET in upload(staff, _sheet("", SECRET), "a.xlsx").text


@pytest.mark.parametrize("file_of", [_in_sheet, _in_book])
def test_entities_of_entities_are_not_unfolded(staff: Client, file_of: Callable[[str], bytes]) -> None:
    doubled = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    doctype = f'<!DOCTYPE x [<!ENTITY e0 "laugh">{doubled}<!ENTITY e "&e9;">]>'
    assert "laughlaugh" not in upload(staff, file_of(doctype), "a.xlsx").text
