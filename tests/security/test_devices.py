"""New devices are mailed about, and sessions are listed and ended one by one."""

import pytest
from allauth.usersessions.models import UserSession
from django.urls import reverse

from tests.mail_queue import mailed
from tests.security.people import browser, is_in, person, sign_in


def test_a_sign_in_on_a_new_device_is_mailed_in_the_accounts_language() -> None:
    account = person(language="es")
    sign_in(browser(), account)
    assert mailed() == []  # the first sign-in of all
    sign_in(browser("203.0.113.50"), account)
    [message] = mailed()
    assert message.to == [str(account)]
    assert "Firefox" in str(message.body)
    assert "203.0.113.50" in str(message.body)
    assert "dispositivo" in str(message.subject)


def test_a_known_device_is_not_mailed_about_from_anywhere() -> None:
    account = person()
    client = browser()
    sign_in(client, account)
    client.post(reverse("account_logout"))
    client.defaults["REMOTE_ADDR"] = "203.0.113.50"
    sign_in(client, account)
    assert mailed() == []


def test_a_device_of_two_people_is_known_to_both() -> None:
    one, other = person(), person()
    client = browser()
    for account in (one, other, one, other):
        sign_in(client, account)
        client.post(reverse("account_logout"))
    assert mailed() == []


def test_the_cookie_of_a_known_device_is_out_of_reach_of_scripts() -> None:
    client = browser()
    sign_in(client, person())
    cookie = client.cookies["known_device"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_one_session_is_ended_and_the_others_go_on() -> None:
    account = person()
    here, there, elsewhere = browser(), browser("203.0.113.50"), browser("203.0.113.51")
    for client in (here, there, elsewhere):
        sign_in(client, account)
    page = here.get(reverse("usersessions_list")).content.decode()
    assert page.count("Firefox on Windows") == 3
    assert "203.0.113.50" in page
    [session] = UserSession.objects.filter(user=account, ip="203.0.113.50")
    here.post(reverse("usersessions_list"), {"session": session.pk})
    assert [is_in(client) for client in (here, there, elsewhere)] == [True, False, True]
    here.post(reverse("usersessions_list"))
    assert [is_in(client) for client in (here, there, elsewhere)] == [True, False, False]


def test_a_session_in_the_same_network_says_so() -> None:
    account = person()
    here, beside = browser(), browser()
    sign_in(here, account)
    sign_in(beside, account)
    assert here.get(reverse("usersessions_list")).content.decode().count("the network you are on now") == 1


@pytest.mark.parametrize("named", ["of bob", "0", "-1", "x", "9" * 40])
def test_nobody_ends_a_session_that_is_not_theirs(named: str) -> None:
    mine, bob = person(), person()
    client, bobs = browser(), browser("203.0.113.50")
    sign_in(client, mine)
    sign_in(bobs, bob)
    session = str(UserSession.objects.get(user=bob).pk) if named == "of bob" else named
    client.post(reverse("usersessions_list"), {"session": session})
    assert is_in(bobs)
    assert is_in(client)
