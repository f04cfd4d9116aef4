"""Workbooks as programs of this world write them: by openpyxl, and part by part by hand."""

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import openpyxl

type Rows = list[list[Any]]

_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "application/vnd.openxmlformats-officedocument.spreadsheetml"

PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_OFFICE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_OFFICE}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_DOCUMENT}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook {_MAIN} xmlns:r="{_DOCUMENT}"><sheets>'
    '<sheet name="Prices" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_DOCUMENT}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}  # fmt: skip


def xlsx(rows: Rows) -> bytes:
    """Return rows as openpyxl writes them."""
    return saved(book_of(rows))


def book_of(rows: Rows) -> openpyxl.Workbook:
    """Return a workbook of openpyxl with one sheet of these rows."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    return book


def saved(book: openpyxl.Workbook) -> bytes:
    """Return a workbook of openpyxl as a file."""
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def by_hand(cells: str, more: Mapping[str, str] = {}) -> bytes:
    """Return a workbook part by part, with the XML of its rows; `more` adds parts or takes the place of some."""
    sheet = f"<worksheet {_MAIN}><sheetData>{cells}</sheetData></worksheet>"
    return zipped({**PARTS, "xl/worksheets/sheet1.xml": sheet, **more})


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    """Return a zip of these parts."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return packed.getvalue()


def changed(content: bytes, name: str, old: str, new: str) -> bytes:
    """Return a zip with a text of one part replaced."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        parts = {each: packed.read(each) for each in packed.namelist()}
    text = parts[name].decode()
    assert old in text, text
    return zipped({**parts, name: text.replace(old, new).encode()})


def ods(rows: Rows) -> bytes:
    """Return rows as LibreOffice writes them, with the empty rows and columns that it repeats up to its limits."""
    rest = '<table:table-cell table:number-columns-repeated="16371"/>'
    lines = "".join(f"<table:table-row>{''.join(map(_ods_cell, row))}{rest}</table:table-row>" for row in rows)
    names = "urn:oasis:names:tc:opendocument:xmlns"
    content = (
        f'<office:document-content xmlns:office="{names}:office:1.0" xmlns:table="{names}:table:1.0"'
        f' xmlns:text="{names}:text:1.0"><office:body><office:spreadsheet><table:table table:name="Prices">{lines}'
        f'<table:table-row table:number-rows-repeated="1048570">{rest}</table:table-row>'
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        f'<manifest:manifest xmlns:manifest="{names}:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/></manifest:manifest>'
    )
    return zipped({"mimetype": kind, "content.xml": content, "META-INF/manifest.xml": manifest})


def _ods_cell(value: object) -> str:
    if isinstance(value, int | float):
        shown = f'office:value-type="float" office:value="{value}"'
    else:
        shown = 'office:value-type="string"'
    return f"<table:table-cell {shown}><text:p>{value}</text:p></table:table-cell>"
