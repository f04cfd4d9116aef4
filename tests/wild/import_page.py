"""The import page of services: upload a file, read what the page says about each line, and confirm."""

import html
import re
from dataclasses import dataclass

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse


@dataclass(frozen=True)
class Preview:
    """What the page says: each line of the file with its kind and changes, its warnings, and why it read nothing."""

    lines: dict[int, tuple[str, str]]
    text: str
    hidden: dict[str, str]

    def __getitem__(self, line: int) -> tuple[str, str]:
        return self.lines[line]


def upload(client: Client, content: bytes, name: str = "services.csv") -> Preview:
    """Upload a file, and return its preview."""
    response = client.post(_address(), {"step": "look", "file": SimpleUploadedFile(name, content)})
    assert response.status_code == 200, response.status_code
    return _preview(response.content.decode())


def confirm(client: Client, seen: Preview) -> str:
    """Confirm a preview, and return the text of the page that follows."""
    response = client.post(_address(), {**seen.hidden, "step": "apply"}, follow=True)
    assert response.status_code == 200
    return _plain(response.content.decode())


def _address() -> str:
    return reverse("admin:catalog_service_import")


def _preview(page: str) -> Preview:
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in re.findall(r"<tr.*?</tr>", page, re.DOTALL)]
    plain = [[_plain(cell) for cell in row] for row in rows if row]
    lines = {int(row[0]): (row[2], row[3]) for row in plain if row[0].isdigit()}
    inputs = re.findall(r"<input[^>]*type=\"hidden\"[^>]*>", page)
    fields = {_attribute(each, "name"): _attribute(each, "value") for each in inputs}
    hidden = {name: value for name, value in fields.items() if name in {"seen", "upload"}}
    return Preview(lines, _plain(page), hidden)


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf"\b{name}=\"([^\"]*)\"", tag)
    return html.unescape(found[1]) if found else ""


def _plain(part: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", part)).split())
