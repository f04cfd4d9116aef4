"""Files that people import: whatever wrote them, each cell is read as it was meant, or the page says what is wrong."""

import codecs
import csv
import io
import zipfile
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

import openpyxl
import pytest
from django.test import Client
from django.urls import reverse

from tests.wild import workbook_files
from tests.wild.import_page import confirm, upload
from tests.wild.workbook_files import PARTS, by_hand, changed, ods, xlsx, zipped

BIGGEST = 9_223_372_036_854_775_807

_numbers = count(1)


@pytest.fixture
def staff() -> Client:
    """A member of staff who may do everything."""
    from tradepost.accounts.models import Account

    email = f"importer{next(_numbers)}@wild.example"
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(Account.objects.create_user(email, is_staff=True, is_superuser=True))
    return client


def values(service: int) -> tuple[Decimal, int, str, bool]:
    """Return a service's rate, maximum and name, and whether it can be canceled."""
    from tradepost.catalog.models import Service

    row = Service.objects.get(pk=service)
    return row.rate, row.max, row.name, row.cancel


def rate_after(client: Client, content: bytes, service: int, name: str = "services.csv") -> Decimal:
    """Import a file that changes one service, and return its rate."""
    seen = upload(client, content, name)
    assert {kind for kind, _ in seen.lines.values()} == {"changed"}, seen.text
    confirm(client, seen)
    return values(service)[0]


# In rates, each beside 0.90 as it was: the text in the file, and what it is read as, or a part of what the page says.
RATES = [
    (",", "10.0", "10"),
    (",", "1.234", "1.234"),
    (",", "1.50000000", "1.5"),
    (",", '"1,234.5"', "1234.5"),
    (",", '"1,234,567"', "1234567"),
    (",", '"0,95"', "0.95"),
    (",", "$0.95", "0.95"),
    (",", "0.95 USD", "0.95"),
    (",", "US$ 0.95", "0.95"),
    (",", "+0.95", "“+0.95” is no number"),
    (",", "1 500", "1500"),
    (",", "1\u00a0500", "1500"),
    (",", "1\u202f500", "1500"),
    (",", "1'500", "1500"),
    (",", "1e-05", "0.00001"),
    (",", "1E-05", "shows a number that it has rounded"),
    (",", "1E+07", "shows a number that it has rounded"),
    (",", '"1,500"', "“1,500” may mean 1.5 or 1500"),
    (",", "0.95%", "“0.95%” is no number"),
    (",", "€0.95", "is not in USD"),
    (",", "R$ 0.95", "is not in USD"),
    (",", "=A1", "“=A1” is no number"),
    (",", "1.5.2026", "“1.5.2026” is no number"),
    (",", "01-May", "is no number"),
    (",", "#REF!", "“#REF!” is no number"),
    (",", "free", "“free” is no number"),
    (",", "Infinity", "is no number"),
    (";", "0,95", "0.95"),
    (";", "1,500", "1.5"),
    (";", "1.234,50", "1234.5"),
    (";", "1.500", "“1.500” may mean 1.5 or 1500"),
    (";", "0.95", "0.95"),
    (";", "0,95 €", "is not in USD"),
    (";", "0,95 $", "0.95"),
    ("\t", "0,95", "0.95"),
    ("\t", "1,500", "“1,500” may mean 1.5 or 1500"),
    ("\t", "1.500", "1.5"),
    ("|", "0.95", "0.95"),
    (",", "٠٫٩٥", "0.95"),
    (",", "０.９５", "0.95"),
]


@pytest.mark.parametrize(("delimiter", "cell", "meant"), RATES)
def test_a_rate_is_read_as_it_was_meant_or_the_page_says_why_not(
    staff: Client, service: int, delimiter: str, cell: str, meant: str
) -> None:
    content = f"id{delimiter}rate\n{service}{delimiter}{cell}\n".encode()
    seen = upload(staff, content)
    if meant[0].isdigit():
        assert seen[2][0] == "changed", seen.text
        confirm(staff, seen)
        assert values(service)[0] == Decimal(meant)
    else:
        assert seen[2][0] == "wrong", seen.text
        assert meant in seen[2][1]
        assert "Nothing is imported while anything is wrong" in seen.text


# A text that may mean two numbers, and another rate of the file that decides it, or does not.
DECIDED = [
    (",", "1,500", "0,95", "1.5"),
    (",", "1,500", "0.95", "1500"),
    (",", "1,500", "1.234", "may mean"),
    (",", "1,500", "12", "may mean"),
    (",", "1.500", "0,95", "1500"),
    (",", "1.500", "0.95", "1.5"),
    (";", "1,500", "0.95", "may mean"),
    (";", "1,500", "0,95", "1.5"),
    (";", "1.500", "0,95", "1500"),
    (";", "1.500", "0.95", "1.5"),
    ("\t", "1,500", "2.000.000", "1.5"),
    ("\t", "1.500", "2,000,000", "1.5"),
]


@pytest.mark.parametrize("case", DECIDED, ids=str)
def test_other_cells_decide_what_a_comma_or_a_dot_means(
    staff: Client, service: int, make_service: Callable[..., int], case: tuple[str, str, str, str]
) -> None:
    delimiter, cell, other, meant = case
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([["id", "rate"], [service, cell], [make_service(), other]])
    seen = upload(staff, text.getvalue().encode())
    assert (meant in seen[2][1]) if meant == "may mean" else (seen[2][0] == "changed"), seen.text
    if meant != "may mean":
        confirm(staff, seen)
        assert values(service)[0] == Decimal(meant)


WHOLE_NUMBERS = [
    (",", "50000.0", "50000"),
    (",", '"50,000"', "50000"),
    (",", "50 000", "50000"),
    (",", "1e+07", "10000000"),
    (",", "1E+07", "shows a number that it has rounded"),
    (",", "50.5", "“50.5” is no whole number"),
    (",", "50.000", "may mean 50 or 50000"),
    (",", '"1,000,000"', "1000000"),
    (";", "1.000.000", "1000000"),
    (";", "50,000", "may mean 50 or 50000"),
    (",", "unlimited", "is no number"),
    (",", "$50", "is no number"),
    (",", "9" * 30, "less than or equal to"),
]


@pytest.mark.parametrize(("delimiter", "cell", "meant"), WHOLE_NUMBERS)
def test_a_whole_number_is_read_with_its_groups_or_the_page_says_why_not(
    staff: Client, service: int, delimiter: str, cell: str, meant: str
) -> None:
    seen = upload(staff, f"id{delimiter}max\n{service}{delimiter}{cell}\n".encode())
    if meant.isdigit():
        confirm(staff, seen)
        assert values(service)[1] == int(meant)
    else:
        assert meant in seen[2][1], seen.text


@pytest.mark.parametrize(
    "cell", ["TRUE", "True", "WAHR", "VRAI", "VERDADERO", "yes", "Ja", "1", "1.0", "ДА", "on", "ИСТИНА"]
)
def test_yes_is_known_in_the_languages_of_spreadsheet_programs(staff: Client, service: int, cell: str) -> None:
    confirm(staff, upload(staff, f"id,cancel\n{service},{cell}\n".encode()))
    assert values(service)[3] is True


@pytest.mark.parametrize("cell", ["FALSE", "FALSCH", "FAUX", "FALSO", "no", "Nein", "0", "0.0", "НЕТ", "ЛОЖЬ"])
def test_no_is_known_in_the_languages_of_spreadsheet_programs(
    staff: Client, make_service: Callable[..., int], cell: str
) -> None:
    service = make_service(cancel=True)
    confirm(staff, upload(staff, f"id,cancel\n{service},{cell}\n".encode()))
    assert values(service)[3] is False


@pytest.mark.parametrize("id_text", ["{}", "{}.0", "{},0", " {} ", '"{}"'])
def test_an_id_is_found_as_programs_write_it(staff: Client, service: int, id_text: str) -> None:
    content = f"id;rate\n{id_text.format(service)};2\n".encode()
    assert rate_after(staff, content, service) == 2


# The same two lines in the encodings, line ends and beginnings in which programs save them.
TABLE = "id;name;rate\n{};Größe Señal;0,95\n"
RUSSIAN = "id;name;rate\n{};Подписчики Инстаграм живые;0,95\n"
TURKISH = "id;name;rate\n{};Türkiye Beğeni Gerçek;0,95\n"
SAVED = [
    ("UTF-8", TABLE, "utf-8"),
    ("UTF-8 with a BOM", TABLE, "utf-8-sig"),
    ("UTF-16 with a BOM", TABLE, "utf-16"),
    ("UTF-16 LE without a BOM", TABLE, "utf-16-le"),
    ("UTF-16 BE without a BOM", TABLE, "utf-16-be"),
    ("UTF-16 in Russian without a BOM", RUSSIAN, "utf-16-le"),
    ("cp1252", TABLE, "cp1252"),
    ("cp1251", RUSSIAN, "cp1251"),
    ("cp1254", TURKISH, "cp1254"),
    ("sep=", "sep=;\n" + TABLE, "utf-8"),
    ("sep= in Excel's UTF-8", "sep=;\r\n" + TABLE, "utf-8-sig"),
    ("sep= of a bar", "SEP=|\n" + TABLE.replace(";", "|"), "utf-8"),
    ("CRLF", TABLE.replace("\n", "\r\n"), "cp1252"),
    ("CR alone", TABLE.replace("\n", "\r"), "utf-8"),
    ("tabs", TABLE.replace(";", "\t"), "utf-16"),
    ("bars", TABLE.replace(";", "|"), "utf-8"),
    ("blank lines before", "\n\n;;\n" + TABLE, "utf-8"),
    ("empty cells after", TABLE.replace("\n", ";;\n"), "utf-8"),
    ("names in any case, in quotes", TABLE.replace("id;name;rate", '"ID";" Name ";"RATE"'), "utf-8"),
    ("commas in the names", TABLE.replace("Größe Señal", '"Größe, echt, neu, Señal"'), "utf-8"),
]


@pytest.mark.parametrize(("text", "encoding"), [saved[1:] for saved in SAVED], ids=[saved[0] for saved in SAVED])
def test_a_text_is_read_in_the_encoding_in_which_it_was_saved(
    staff: Client, service: int, text: str, encoding: str
) -> None:
    content = text.format(service).encode(encoding)
    assert rate_after(staff, content, service) == Decimal("0.95")
    name = next(word for word in ("Señal", "Подписчики", "Beğeni") if word in text)
    assert name in values(service)[2]


def test_the_page_says_that_an_encoding_was_guessed(staff: Client, service: int) -> None:
    seen = upload(staff, RUSSIAN.format(service).encode("cp1251"))
    assert "The file is not in UTF-8. It is read as cp1251: check the names" in seen.text
    assert "not in UTF-8" not in upload(staff, RUSSIAN.format(service).encode()).text


FAR_APART = '<row r="1"><c r="A1"><v>5</v></c></row><row r="1048576"><c r="XFD1048576"><v>5</v></c></row>'

# Files that can't be read, whatever they are called, and a part of what the page says.
UNREADABLE: list[tuple[str, bytes, str]] = [
    ("a quotation mark that is never closed", b'id,name\n1,"abc\n2,x\n', "Line 2: a quotation mark is opened"),
    ("text after a quotation mark", b'id,name\n1,"a"b\n', "Line 2: there is text after a closing quotation mark"),
    ("NUL", b"id,name\n1,a\0b\n", "Line 2 has a NUL character"),
    ("UTF-16 cut off", "id;rate\n1;2".encode("utf-16")[:-1], "goes on as something else"),
    ("UTF-8 with a broken byte", "id,name\n1,Größe é à ü\n2,x".encode() + b"\xe9\n", "no UTF-8"),
    ("bytes of nothing", bytes(range(128, 160)) * 40 + b"\x81\x8d\x8f\x90\x9d", "neither a spreadsheet nor text"),
    ("HTML called XLS", b"\r\n<html><table><tr><td>id</td></tr></table></html>", "It is a web page (HTML)"),
    ("XML called XLS", b'<?xml version="1.0"?><Workbook/>', "It is an XML file"),
    ("PDF", b"%PDF-1.7\n%\xe2\xe3", "It is a PDF"),
    ("JSON", b'[{"id":1}]', "It is JSON"),
    ("a zip of something else", zipped({"photo.jpg": b"\xff\xd8"}), "an archive without a workbook"),
    ("a zip cut off", xlsx([["id"], [1]])[:-40], "damaged or cut off"),
    ("a zip with a hole", xlsx([["id", "rate"], [1, 2]]).replace(b"PK\x01\x02", b"PK\x00\x00", 1), "damaged"),
    ("an old XLS cut off", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "It is damaged"),
    ("a password", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "It has a password"),
    ("XML that ends early", by_hand("<row><c><v>1</v></c></row><row"), "It is damaged"),
    ("a text that is nowhere", by_hand('<row><c t="s"><v>7</v></c></row>'), "It is damaged"),
    ("no sheet", by_hand("", {"xl/workbook.xml": "<workbook/>"}), "It has no sheet with cells"),
    ("no cells", by_hand(""), "It has no sheet with cells"),
    ("more memory than there is", by_hand(FAR_APART), "too much memory"),
    ("too many columns", b",".join(b"c%d" % n for n in range(61)) + b"\n", "up to 60 columns"),
    ("too many columns in a workbook", xlsx([[f"c{number}" for number in range(80)]]), "up to 60 columns"),
    ("a cell too many", b"id,rate\n1,2,3\n", "Line 2 has 3 cells, but there are 2 columns"),
    ("a cell too long", b'id,name\n1,"' + b"x" * 200_000 + b'"\n', "Line 2 can't be read: field larger than"),
    ("nothing but blanks", b" \n\t\n;;\n", "It is empty"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "why"), [case[1:] for case in UNREADABLE], ids=[case[0] for case in UNREADABLE])
@pytest.mark.parametrize("name", ["services.csv", "services.xlsx"])
def test_a_file_that_can_t_be_read_says_why_whatever_its_name(
    staff: Client, content: bytes, why: str, name: str
) -> None:
    seen = upload(staff, content, name)
    assert why in seen.text, seen.text
    assert not seen.lines


def test_a_zip_bomb_is_not_unpacked(staff: Client) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file, file.open("xl/worksheets/sheet1.xml", "w") as bomb:
        for _ in range(201):
            bomb.write(b" " * 1_000_000)
    assert "It is larger than it looks." in upload(staff, packed.getvalue(), "a.xlsx").text


def test_a_zip_of_very_many_parts_is_not_unpacked(staff: Client) -> None:
    parts = {f"xl/media/image{number}.png": b"" for number in range(10_000)}
    assert "It is larger than it looks." in upload(staff, zipped({**PARTS, **parts}), "a.xlsx").text


def _rows(service: int) -> list[list[Any]]:
    return [["id", "name", "rate", "cancel"], [service, "Größe", 0.95, True]]


def _with_empty_fill(service: int) -> bytes:
    return (
        changed(xlsx(_rows(service)), "xl/styles.xml", "<fills>", "<fills><fill/>")
        if "<fills>" in _styles()
        else (changed(xlsx(_rows(service)), "xl/styles.xml", "<fill><patternFill", "<fill/><fill><patternFill"))
    )


def _styles() -> str:
    with zipfile.ZipFile(io.BytesIO(xlsx([["id"]]))) as packed:
        return packed.read("xl/styles.xml").decode()


def _with_ext_lst(service: int) -> bytes:
    extension = (
        '<extLst><ext uri="{x}"><x14:slicers xmlns:x14="urn:x"><x14:odd/></x14:slicers></ext></extLst></worksheet>'
    )
    return changed(xlsx(_rows(service)), "xl/worksheets/sheet1.xml", "</worksheet>", extension)


def _chart_first(service: int) -> bytes:
    book = workbook_files.book_of(_rows(service))
    chart = book.create_chartsheet("Chart", 0)
    bars = openpyxl.chart.BarChart()
    bars.add_data(openpyxl.chart.Reference(book.worksheets[0], min_col=3, min_row=1, max_row=2))
    chart.add_chart(bars)
    return workbook_files.saved(book)


def _hidden_and_empty_first(service: int) -> bytes:
    book = workbook_files.book_of(_rows(service))
    notes = book.create_sheet("Notes", 0)
    notes["A1"] = "do not read this"
    notes.sheet_state = "hidden"
    book.create_sheet("Empty", 1)
    return workbook_files.saved(book)


def _damaged_theme(service: int) -> bytes:
    return changed(xlsx(_rows(service)), "xl/theme/theme1.xml", "</a:theme>", "<<<")


def _wrong_dimension(service: int) -> bytes:
    return changed(xlsx(_rows(service)), "xl/worksheets/sheet1.xml", '<dimension ref="A1:D2"', '<dimension ref="A1"')


def _without_references(service: int) -> bytes:
    return by_hand(
        '<row><c t="inlineStr"><is><t>id</t></is></c><c t="inlineStr"><is><t>name</t></is></c>'
        '<c t="inlineStr"><is><t>rate</t></is></c><c t="inlineStr"><is><t>cancel</t></is></c></row>'
        f'<row><c><v>{service}</v></c><c t="inlineStr"><is><r><t>Grö</t></r><r><t>ße</t></r></is></c><c><v>0.95</v></c>'
        '<c t="b"><v>1</v></c></row>'
    )


def _merged_title_above(service: int) -> bytes:
    book = workbook_files.book_of([])
    sheet = book.active
    for column, cells in enumerate(zip(*_rows(service), strict=True), 2):
        sheet.cell(3, column, cells[0])
        sheet.cell(4, column, cells[1])
    return workbook_files.saved(book)


def _libre_office(service: int) -> bytes:
    return ods([["id", "name", "rate", "cancel"], [service, "Größe", 0.95, "WAHR"]])


WORKBOOKS = [
    _with_empty_fill, _with_ext_lst, _chart_first, _hidden_and_empty_first, _damaged_theme, _wrong_dimension,
    _without_references, _libre_office,
]  # fmt: skip


@pytest.mark.parametrize("write", WORKBOOKS, ids=lambda write: write.__name__.strip("_"))
@pytest.mark.parametrize("name", ["services.xlsx", "services.csv"])
def test_a_workbook_is_read_whatever_wrote_it_and_whatever_its_name(
    staff: Client, service: int, write: Callable[[int], bytes], name: str
) -> None:
    assert rate_after(staff, write(service), service, name) == Decimal("0.95")
    assert values(service)[2:] == ("Größe", True)


def test_the_page_says_which_of_several_sheets_is_read(staff: Client, service: int) -> None:
    book = workbook_files.book_of(_rows(service))
    book.create_sheet("Old prices")["A1"] = "id"
    seen = upload(staff, workbook_files.saved(book), "a.xlsx")
    assert "Only the sheet “Sheet” is read; the file has 1 more." in seen.text


def test_numbers_of_a_workbook_are_exact_and_its_texts_are_not(
    staff: Client, service: int, make_service: Callable[..., int]
) -> None:
    other, third = make_service(), make_service()
    seen = upload(staff, xlsx([["id", "rate"], [service, 1.234], [other, "0,95"], [third, "1.500"]]), "a.xlsx")
    confirm(staff, seen)
    assert [values(each)[0] for each in (service, other, third)] == [Decimal("1.234"), Decimal("0.95"), Decimal(1500)]


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ('<c r="B2" t="e"><v>#DIV/0!</v></c>', "“#DIV/0!” is no number"),
        ('<c t="e" r="B2"><f>1/0</f><v>#N/A</v></c>', "“#N/A” is no number"),
        ('<c r="B2" t="inlineStr"><is><t>1,500</t></is></c>', "may mean 1.5 or 1500"),
        ('<c r="B2"><v>123456789.1234567</v></c>', "a spreadsheet does not hold"),
        ('<c r="B2" t="d"><v>2026-05-01T00:00:00</v></c>', "is no number"),
    ],
)
def test_a_cell_of_a_workbook_that_can_t_be_read_is_shown(staff: Client, service: int, cell: str, why: str) -> None:
    names = "".join(
        f'<c r="{at}" t="inlineStr"><is><t>{text}</t></is></c>' for at, text in (("A1", "id"), ("B1", "rate"))
    )
    content = by_hand(f'<row r="1">{names}</row><row r="2"><c r="A2"><v>{service}</v></c>{cell}</row>')
    seen = upload(staff, content, "a.xlsx")
    assert why in seen.text, seen.text


def test_a_rate_that_a_spreadsheet_made_a_date_is_shown(staff: Client, service: int) -> None:
    seen = upload(staff, xlsx([["id", "rate"], [service, date(2026, 5, 1)]]), "a.xlsx")
    assert "rate: “2026-05-01” is no number." in seen[2][1]


@pytest.mark.parametrize("action", ["export_ticked_csv", "export_ticked_xlsx"])
def test_our_own_exports_are_read_as_they_were(staff: Client, make_service: Callable[..., int], action: str) -> None:
    names = [
        "_x0041_ literal", "a\rb\r\nc\nd", " blanks around ", "#N/A", "TRUE", "1.500", "1,500", "007", "=1+1", "'plain",
        "sep=;", "\ufeffmark", 'quotes "inside", and; all | the\tothers', "\x0bcontrol", "Größe 😀", "1E+07", "-",
    ]  # fmt: skip
    rates = ["1.234", "0.0000001", "1234567890123.1234567", "0.9", "1500", "12.345", "999.999"]
    made = [make_service(name=name, rate=Decimal(rates[number % len(rates)])) for number, name in enumerate(names)]
    made.append(make_service(max=BIGGEST, description=" line\r\n\r\nline\n", average_time="1,5 h"))
    ticked = {"action": action, "_selected_action": made}
    content = staff.post(reverse("admin:catalog_service_changelist"), ticked).content
    seen = upload(staff, content, "export")
    assert [line for line in seen.lines.values() if line[0] != "unchanged"] == []
    assert len(seen.lines) == len(made)
    if action.endswith("csv"):
        assert content.startswith(codecs.BOM_UTF8)
