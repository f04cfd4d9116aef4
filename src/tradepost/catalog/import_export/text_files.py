"""Reading text files (CSV) as rows of texts: their encoding, their delimiter, and their quotation marks."""

import codecs
import csv
import io
import re
from collections.abc import Iterator

import charset_normalizer
import msgspec

from tradepost.catalog.import_export.limits import SpreadsheetError

DELIMITERS = ",;\t|"
SAMPLE_BYTES = 20_000
BROKEN_SHARE = 4
# The encodings from before Unicode in which spreadsheet programs write CSV, those of the trade's languages first.
LEGACY_ENCODINGS = [
    "cp1251", "cp1252", "cp1250", "gb18030", "cp932", "cp949", "cp1256", "cp1258", "big5", "cp1253", "cp1255", "cp1257",
]  # fmt: skip
WESTERN = "cp1252"
TURKISH = "cp1254"  # differs from the western encoding by six letters

_WESTERN_CHARS = frozenset("äöüÄÖÜßéèêëÉÈÊçÇñÑãõÃÕáíóúÁÍÓÚàâîïôûùìòåÅøØæ€£¡¿ºª°–—‘’“”„«»…•·×®©™\xa0")
_TURKISH_CHARS = frozenset("ğĞşŞıİ")
_THREE_IN_A_ROW = re.compile(r"[^\W\d_a-zA-Z]{3}")  # accents do not stand so close; letters of other scripts do

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
          (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
_SEPARATOR_LINE = re.compile(r"\s*\"?sep=(.)\"?[ ]*(\r\n|\r|\n|$)", re.IGNORECASE)
_OTHER_FILES = {
    re.compile(rb"\s*(<!doctype html|<html|<table|<head|<meta)", re.IGNORECASE): "a web page (HTML)",
    re.compile(rb"\s*<"): "an XML file",
    re.compile(rb"%PDF"): "a PDF",
    re.compile(rb"\s*[\[{]"): "JSON",
}


class TextTable(msgspec.Struct, frozen=True):
    """Rows of texts, each with its line; the delimiter, and what the user should know about how they were read."""

    rows: Iterator[tuple[int, list[str]]]
    delimiter: str
    notes: list[str]


def read_text_file(content: bytes) -> TextTable:
    """Read a file with a row per line. Raises `SpreadsheetError`, also while the rows are read."""
    for beginning, name in _OTHER_FILES.items():
        if beginning.match(content.removeprefix(codecs.BOM_UTF8)):
            raise SpreadsheetError(f"It is {name}. Open it in a spreadsheet program, and save it as XLSX or CSV.")
    text, notes = _decode(content)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise SpreadsheetError(f"Line {line} has a NUL character: the file is damaged, or no text.")
    separator = _SEPARATOR_LINE.match(text)
    body = text[separator.end() :] if separator else text
    delimiter = separator[1] if separator else _find_delimiter(body)
    return TextTable(_rows(body, delimiter, lines_before=1 if separator else 0), delimiter, notes)


def _decode(content: bytes) -> tuple[str, list[str]]:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _decode_as(content.removeprefix(codecs.BOM_UTF8), encoding), []
    encoding = _utf16_without_mark(content)
    if encoding:
        return _decode_as(content, encoding), []
    try:
        return content.decode("utf-8"), []
    except UnicodeDecodeError:
        return _decode_legacy(content)


def _decode_as(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise SpreadsheetError(f"It begins as {encoding.upper()} and goes on as something else.") from None


def _utf16_without_mark(content: bytes) -> str:
    """Return the kind of UTF-16 if the file begins with two ASCII characters in it; else an empty text."""
    match [byte != 0 for byte in content[:4]]:
        case [True, False, True, False]:
            return "utf-16-le"
        case [False, True, False, True]:
            return "utf-16-be"
        case _:
            return ""


def _decode_legacy(content: bytes) -> tuple[str, list[str]]:
    """Decode a text in the most probable encoding. Return a note, too: only the user can see whether it is right."""
    _refuse_broken_utf8(content)
    for encoding in _probable_encodings(content):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        note = f"The file is not in UTF-8. It is read as {encoding}: check the names, or save it as CSV UTF-8."
        return text, [note]
    raise SpreadsheetError("It is neither a spreadsheet nor text. Save it as XLSX, or as CSV in UTF-8.")


def _refuse_broken_utf8(content: bytes) -> None:
    """Refuse a file in UTF-8 with some other bytes: read as another encoding, its names would be wrong."""
    text = content.decode(errors="replace")
    broken = text.count("\ufffd")
    if sum(not char.isascii() for char in text) > BROKEN_SHARE * broken:
        line = text.count("\n", 0, text.index("\ufffd")) + 1
        raise SpreadsheetError(
            f"Line {line} has characters that are no UTF-8, as the others are. Save it as CSV UTF-8."
        )


def _probable_encodings(content: bytes) -> list[str]:
    """Return encodings, the most probable first. Western ones are decided by their letters, others by statistics."""
    lines = {line: None for line in content.splitlines() if not line.isascii()}
    sample = b"\n".join(lines)[:SAMPLE_BYTES].rpartition(b"\n")[0] or next(iter(lines))
    for encoding, usual in ((WESTERN, _WESTERN_CHARS), (TURKISH, _WESTERN_CHARS | _TURKISH_CHARS)):
        text = sample.decode(encoding, errors="replace")
        if usual.issuperset(char for char in text if not char.isascii()) and not _THREE_IN_A_ROW.search(text):
            return [encoding]
    matches = charset_normalizer.from_bytes(sample, cp_isolation=LEGACY_ENCODINGS)
    found = {match.encoding: match.chaos for match in matches}
    return sorted(found, key=lambda encoding: (found[encoding], LEGACY_ENCODINGS.index(encoding)))


def _find_delimiter(text: str) -> str:
    """Return the delimiter that splits the first line with content into the most cells."""
    first = next((line for line in io.StringIO(text, newline=None) if line.strip()), "")
    return max(DELIMITERS, key=lambda delimiter: len(next(csv.reader([first], delimiter=delimiter), [])))


def _rows(text: str, delimiter: str, *, lines_before: int) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + lines_before + 1
        try:
            yield line, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise SpreadsheetError(_csv_problem(line, str(error))) from None


def _csv_problem(line: int, problem: str) -> str:
    if "unexpected end of data" in problem:
        return f"Line {line}: a quotation mark is opened and never closed."
    if "expected after" in problem:
        return f"Line {line}: there is text after a closing quotation mark. Write quotation marks within a cell twice."
    return f"Line {line} can't be read: {problem}."
