"""The front page, files that programs look for, and the error pages."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.templatetags.static import static
from django.test import Client
from django.utils import timezone

from tests.panel.conftest import site_settings


@pytest.fixture
def client() -> Client:
    """A browser that gets an error page where Django's test client would raise."""
    return Client(raise_request_exception=False, SERVER_NAME="127.0.0.1")


@contextmanager
def database_away() -> Iterator[None]:
    """Make every statement fail as if the database were down."""

    def fail(*_: Any) -> Any:
        raise OperationalError("the connection is lost")

    with connection.execute_wrapper(fail):
        yield


def page(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def test_the_front_page_sells_services_with_their_prices(client: Client, make_service: Callable[..., int]) -> None:
    service = make_service(name="Ocelot Plays", rate="7.5")
    text = page(client, "/")
    assert service
    assert "Price per 1,000" in text
    assert re.search(r"\$\d", text)
    assert 'href="/services/"' in text
    assert 'href="/account/signup/"' in text
    assert "curl" not in text
    assert not re.search(r'href="/(admin|healthz)', text)


def test_the_front_page_has_the_operators_text_for_readers_and_for_search_engines(client: Client) -> None:
    with site_settings(panel_name="Alpha Panel", headline="Plays for everyone.", intro="Since 2019."):
        text = page(client, "/")
    assert "<h1>Plays for everyone.</h1>" in text
    assert re.search(r'name="description"\s+content="Plays for everyone. Since 2019."', text)
    assert re.search(r'property="og:title"\s+content="Alpha Panel · Plays for everyone."', text)


def test_search_engines_stay_out_of_private_pages(client: Client) -> None:
    response = client.get("/robots.txt")
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert {"Disallow: /admin/", "Disallow: /orders/"} <= set(response.content.decode().splitlines())


def test_the_front_page_names_the_address_it_was_reached_at(client: Client) -> None:
    assert "http://localhost/api/v2" in client.get("/", headers={"host": "localhost"}).content.decode()


@pytest.mark.parametrize("address", ["/", "/nowhere"])
def test_a_page_needs_nothing_from_elsewhere_and_nothing_inline(client: Client, address: str) -> None:
    text = page(client, address)
    assert "<style" not in text
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"\s(style|on\w+)=", text)
    assert not re.findall(r'(?:src|href)="https?://', text)


def test_what_the_page_links_is_there(client: Client) -> None:
    for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', page(client, "/")):
        response = client.get(address)
        assert response.status_code == 200, address
        response.close()


def test_the_fonts_of_the_stylesheet_are_there(client: Client) -> None:
    response = client.get(static("panel/fonts/inter.css"))
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined] # a file
    response.close()
    addresses = re.findall(r'url\("([^"]+)"\)', text)
    assert addresses
    for address in addresses:
        font = client.get(f"/static/panel/fonts/{address}")
        assert font.status_code == 200, address
        font.close()


def test_browsers_that_ask_for_an_icon_get_one(client: Client) -> None:
    response = client.get("/favicon.ico")
    assert response.status_code == 301
    icon = client.get(response.headers["Location"])
    assert icon.headers["Content-Type"] == "image/svg+xml"
    icon.close()


def test_the_browser_is_told_to_load_nothing_from_elsewhere(client: Client) -> None:
    policy = client.get("/").headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert client.get("/admin/login/").headers["Content-Security-Policy"] == policy


def test_who_finds_a_weakness_learns_whom_to_tell(client: Client) -> None:
    assert client.get("/.well-known/security.txt").status_code == 404
    with site_settings(contact_email="desk@orders.example", contact_url="https://t.me/orderdesk"):
        answer = client.get("/.well-known/security.txt")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    fields = [line.partition(": ")[::2] for line in answer.content.decode().splitlines()]
    assert fields[:2] == [("Contact", "mailto:desk@orders.example"), ("Contact", "https://t.me/orderdesk")]
    assert fields[2][0] == "Expires"
    assert timedelta(days=30) < datetime.fromisoformat(fields[2][1]) - timezone.now() < timedelta(days=365)


def test_pages_are_only_read(client: Client) -> None:
    assert client.post("/").status_code == 405
    assert client.head("/").status_code == 200


def test_what_is_not_there_is_a_404_in_the_same_look(client: Client) -> None:
    response = client.get("/nowhere")
    assert response.status_code == 404
    assert "/panel/panel." in response.content.decode()


def test_what_breaks_is_a_500_in_the_same_look(client: Client) -> None:
    with database_away():
        response = client.get("/")
    assert response.status_code == 500
    assert "/panel/panel." in response.content.decode()
    assert "connection is lost" not in response.content.decode()


def test_what_is_not_allowed_is_a_403_in_the_same_look() -> None:
    from tests.backoffice.browsers import sign_in

    response = sign_in(is_staff=True).get("/admin/orders/order/", SERVER_NAME="127.0.0.1")
    assert response.status_code == 403
    assert "/panel/panel." in response.content.decode()
