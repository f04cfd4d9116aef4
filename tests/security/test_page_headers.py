"""What pages tell browsers and caches: private pages are stored nowhere, and https is for good."""

import re

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client
from django.urls import reverse

from tests import asking
from tests.conftest import Customer, Desk
from tests.security.conftest import BY_THE_PROXY, HOST, PUBLIC_URL, PublicDesk
from tradepost.accounts.models import Account

PRIVATE = {"private", "no-store"}
PAGES = ["dashboard", "orders", "money", "services", "keys", "settings", "new_order", "mass_order"]
FILES = ["orders_export", "money_export"]


def directives(response: object) -> set[str]:
    return set(response.headers.get("Cache-Control", "").split(", "))  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", [*PAGES, *FILES])
def test_what_a_customer_sees_is_stored_in_no_cache(alice: Customer, name: str) -> None:
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(Account.objects.get(pk=alice.id))
    response = client.get(reverse(f"panel:{name}"))
    assert response.status_code == 200
    assert directives(response) >= PRIVATE


def test_an_error_seen_by_a_customer_is_stored_in_no_cache(alice: Customer) -> None:
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(Account.objects.get(pk=alice.id))
    response = client.get("/orders/999999999/")
    assert response.status_code == 404
    assert directives(response) >= PRIVATE


def test_public_pages_and_static_files_may_be_stored(desk: Desk) -> None:
    home = asking.get(desk.url)
    assert "no-store" not in directives(home)
    [style, *_] = re.findall(r'href="(/static/[^"]+\.css)"', home.text)
    assert "max-age" in asking.get(desk.url + style, headers={"Cookie": "sessionid=x"}).headers["Cache-Control"]


def test_pages_have_no_use_of_devices_and_none_in_other_sites(desk: Desk) -> None:
    for path in ("/", "/account/login/", "/admin/login/", "/nothing-here/"):
        headers = asking.get(desk.url + path).headers
        assert {"camera=()", "geolocation=()", "payment=()"} <= set(headers["Permissions-Policy"].split(", "))
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_an_https_desk_tells_browsers_to_stay_with_https_for_a_year(public_desk: PublicDesk) -> None:
    response = public_desk.get("/account/login/")
    assert response.status_code == 200
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_a_desk_without_https_says_nothing_of_it(desk: Desk) -> None:
    response = asking.get(f"{desk.url}/account/login/", headers={"X-Forwarded-Proto": "https"})
    assert "Strict-Transport-Security" not in response.headers
    assert "csrftoken=" in response.headers["Set-Cookie"]


def test_no_other_host_of_the_domain_can_plant_a_cookie(public_desk: PublicDesk) -> None:
    """A browser takes a `__Host-` cookie only with `Secure`, for `/`, and without a domain."""
    email = "cookies@security.example"
    Account.objects.filter(email=email).delete()
    account = Account.objects.create_user(email)
    Account.objects.filter(pk=account.pk).update(
        password=make_password("correct horse battery", hasher="pbkdf2_sha256")
    )
    with asking.Session(base_url=public_desk.url, headers=BY_THE_PROXY) as session:
        form = session.get("/account/login/")
        token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', form.text)[0]
        cookie = form.headers["Set-Cookie"].partition(";")[0]
        answer = session.post(
            "/account/login/",
            data={"login": email, "password": "correct horse battery", "csrfmiddlewaretoken": token},
            headers={"Cookie": cookie, "Referer": f"{PUBLIC_URL}/account/login/"},
        )
    assert answer.status_code == 302
    cookies = [*form.headers.get_list("Set-Cookie"), *answer.headers.get_list("Set-Cookie")]
    assert {each.partition("=")[0] for each in cookies} >= {"__Host-csrftoken", "__Host-sessionid"}
    for each in cookies:
        assert each.startswith("__Host-"), each
        assert "; Secure" in each
        assert "; Path=/" in each
        assert "domain" not in each.lower()


@pytest.mark.parametrize("path", ["/", "/account/login/", "/admin/login/", "/orders/?page=2"])
def test_plain_http_is_sent_to_https(public_desk: PublicDesk, path: str) -> None:
    answer = public_desk.get(path, {"Host": HOST, "X-Forwarded-Proto": "http"})
    assert (answer.status_code, answer.headers["Location"]) == (301, PUBLIC_URL + path)
    assert "Set-Cookie" not in answer.headers


def test_without_the_proxys_word_for_https_nobody_signs_in_and_the_operator_is_told_why(
    public_desk: PublicDesk,
) -> None:
    """A redirect would never end behind a proxy that ends https and does not say so."""
    for answer in (
        public_desk.get("/account/login/", {"Host": HOST}),
        asking.post(f"{public_desk.url}/account/login/", headers={"Host": HOST}, data={"login": "a@b.example"}),
        asking.post(f"{public_desk.url}/account/login/", headers={"Host": HOST, "X-Forwarded-Proto": "http"}),
    ):
        assert answer.status_code == 403
        assert PUBLIC_URL in answer.text
        assert "X-Forwarded-Proto: https" in answer.text
        assert "Set-Cookie" not in answer.headers
