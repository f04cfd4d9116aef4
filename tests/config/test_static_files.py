"""Static files are compressed once and kept by browsers for a year or more; pages are compressed as they are made."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client, override_settings

from tradepost.config import static_files

YEAR_SECONDS = 31_536_000


@pytest.fixture
def client() -> Client:
    return Client(SERVER_NAME="127.0.0.1")


def _addresses(client: Client) -> list[str]:
    return re.findall(r'(?:src|href)="(/static/[^"]+)"', client.get("/").content.decode())


def test_a_browser_keeps_static_files_for_a_year(client: Client) -> None:
    for address in _addresses(client):
        response = client.get(address)
        response.close()
        match = re.search(r"max-age=(\d+), public, immutable", response["Cache-Control"])
        assert match, address
        assert int(match[1]) >= YEAR_SECONDS


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_stylesheets_and_scripts_are_compressed(client: Client, encoding: str) -> None:
    for address in _addresses(client):
        if address.endswith((".css", ".js")):
            response = client.get(address, headers={"Accept-Encoding": encoding})
            response.close()
            assert response["Content-Encoding"] == encoding, address


def test_pages_are_compressed(client: Client) -> None:
    assert client.get("/", headers={"Accept-Encoding": "gzip, br"})["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in client.get("/")


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    with override_settings(STATIC_ROOT=tmp_path / "static"):
        yield tmp_path / "static"


def test_files_are_collected_again_only_when_they_changed(root: Path) -> None:
    static_files.collect()
    manifest = root / "staticfiles.json"
    first = manifest.stat().st_ino
    static_files.collect()
    assert manifest.stat().st_ino == first
    (root / "left over").touch()
    (root.parent / "static.fingerprint").write_text("of an older version")
    static_files.collect()
    assert manifest.exists()
    assert not (root / "left over").exists()


def test_an_interrupted_start_collects_again(root: Path) -> None:
    static_files.collect()
    (root / "staticfiles.json").unlink()
    (root.parent / "static.fingerprint").unlink()  # the last thing written
    static_files.collect()
    assert (root / "staticfiles.json").exists()
