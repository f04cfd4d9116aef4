"""Guessing: who is stopped, and who is not, when somebody tries passwords and codes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from django.conf import global_settings
from django.core.cache import cache
from django.test import override_settings
from django.urls import reverse

from tests.authenticator_app import shown_code
from tests.conftest import Desk, start_desk, stop_desk
from tests.mail_queue import mailed, paths_in
from tests.security.people import (
    PASSWORD,
    WRONG,
    add_second_factor,
    browser,
    enter_code,
    is_in,
    logged,
    person,
    sign_in,
)
from tests.security.raw_pages import RawBrowser

NEW_PASSWORD = "staple horse battery"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Closes what the test opens."""
    with ExitStack() as opened:
        yield opened


def guess(account: object, times: int, address: str = "198.51.100.9") -> None:
    for _ in range(times):
        assert sign_in(browser(address), str(account), WRONG) == ""


def test_a_guesser_is_stopped_and_the_owner_elsewhere_is_not() -> None:
    account = person()
    guess(account, 5)
    assert not sign_in(browser("198.51.100.9"), account)
    assert sign_in(browser("192.0.2.7"), account) == reverse("panel:dashboard")


def test_a_guesser_does_not_stop_the_sign_in_to_other_accounts_from_his_network() -> None:
    guess(person(), 6)
    assert sign_in(browser("198.51.100.9"), person()) == reverse("panel:dashboard")


def test_one_network_uses_up_no_more_than_its_own_tries() -> None:
    """Far more refused tries than the limit by account: they count for the network only."""
    account = person()
    guess(account, 28)
    assert sign_in(browser("192.0.2.7"), account) == reverse("panel:dashboard")


def test_guessing_from_many_networks_is_stopped_by_account() -> None:
    account = person()
    for number in range(1, 26):
        guess(account, 4, f"198.51.100.{number}")
    assert not sign_in(browser("192.0.2.7"), account)


def test_a_known_device_passes_what_others_have_used_up() -> None:
    account = person()
    known = browser("192.0.2.7")
    assert sign_in(known, account)
    known.post(reverse("account_logout"))
    for number in range(1, 26):
        guess(account, 4, f"198.51.100.{number}")
    guess(account, 5, "192.0.2.7")  # even from the owner's own network
    assert sign_in(known, account) == reverse("panel:dashboard")


def test_a_known_device_is_no_licence_to_guess() -> None:
    account = person()
    known = browser("192.0.2.7")
    sign_in(known, account)
    known.post(reverse("account_logout"))
    for _ in range(10):
        assert not sign_in(known, account, WRONG)
    assert not sign_in(known, account)


@pytest.mark.parametrize("spoilt", ["of another account", "forged", "of an old password"])
def test_a_known_device_that_is_none_of_this_account_passes_nothing(spoilt: str) -> None:
    account, other = person(), person()
    device = browser("192.0.2.7")
    sign_in(device, other if spoilt == "of another account" else account)
    device.post(reverse("account_logout"))
    if spoilt == "forged":
        device.cookies["known_device"] = device.cookies["known_device"].value[:-1] + "-"
    if spoilt == "of an old password":
        account.set_password(NEW_PASSWORD)
        account.save()
    guess(account, 5, "192.0.2.7")
    assert not sign_in(device, account, NEW_PASSWORD if spoilt == "of an old password" else PASSWORD)


def test_the_device_on_which_the_password_is_changed_stays_known() -> None:
    account = person()
    device = browser("192.0.2.7")
    sign_in(device, account)
    form = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    device.post(reverse("account_change_password"), form)
    device.post(reverse("account_logout"))
    guess(account, 5, "192.0.2.7")
    assert sign_in(device, account, NEW_PASSWORD) == reverse("panel:dashboard")


def test_addresses_of_one_ipv6_network_count_together() -> None:
    account = person()
    for number in range(5):
        guess(account, 1, f"2001:db8:1:1::{number}")
    assert not sign_in(browser("2001:db8:1:1:ffff::1"), account)
    assert sign_in(browser("2001:db8:1:2::1"), account)


def test_an_address_is_counted_however_it_is_typed() -> None:
    account = person()
    for spelling in (str(account), str(account).upper(), f" {account} ", str(account).title(), f"{account}\t"):
        assert not sign_in(browser(), spelling, WRONG)
    assert not sign_in(browser(), account)


def test_a_good_sign_in_gives_no_new_tries_to_the_guesser() -> None:
    mine, victim = person(), person()
    for _ in range(5):
        assert sign_in(browser(), mine)
        guess(victim, 1, "192.0.2.1")
    assert not sign_in(browser(), victim)


def test_many_accounts_tried_from_one_network_are_stopped() -> None:
    for _ in range(10):
        guess(person(), 1)
    assert not sign_in(browser("198.51.100.9"), person())


def test_a_reset_of_the_password_lets_its_owner_in_at_once() -> None:
    account = person()
    add_second_factor(account)
    for number in range(1, 26):
        guess(account, 4, f"198.51.100.{number}")
    owner = browser("192.0.2.7")
    assert not sign_in(owner, account)
    owner.post(reverse("account_reset_password"), {"email": str(account)})
    link = paths_in(mailed()[0])[0]
    form = owner.get(link, follow=True).redirect_chain[-1][0]
    owner.post(form, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    assert sign_in(browser("192.0.2.7"), account, NEW_PASSWORD) == reverse("mfa_authenticate")


def test_who_knows_the_password_can_not_lock_the_owner_out_of_the_second_factor() -> None:
    account = person()
    secret = add_second_factor(account)
    thief = browser("198.51.100.9")
    sign_in(thief, account)
    for _ in range(40):
        assert not enter_code(thief, "000000")
    assert not enter_code(thief, shown_code(secret))  # he is stopped
    owner = browser("192.0.2.7")
    sign_in(owner, account)
    assert enter_code(owner, shown_code(secret))
    assert is_in(owner)


def test_codes_tried_from_many_networks_are_stopped() -> None:
    account = person()
    secret = add_second_factor(account)
    for number in range(1, 11):
        thief = browser(f"198.51.100.{number}")
        sign_in(thief, account)
        for _ in range(3):
            assert not enter_code(thief, "000000")
    late = browser("192.0.2.7")
    sign_in(late, account)
    assert not enter_code(late, shown_code(secret))


def test_a_flood_of_passkeys_that_are_none_stops_no_owner() -> None:
    account = person()
    secret = add_second_factor(account)
    thief = browser("198.51.100.9")
    sign_in(thief, account)
    for _ in range(70):
        thief.post(reverse("mfa_authenticate"), {"credential": '{"id": "x"}'})
    owner = browser("192.0.2.7")
    sign_in(owner, account)
    assert enter_code(owner, shown_code(secret))


def test_mails_that_strangers_ask_for_are_few() -> None:
    account = person()
    for number in range(1, 10):
        browser(f"198.51.100.{number}").post(reverse("account_reset_password"), {"email": str(account)})
    assert len(mailed()) == 5


def test_too_many_requests_have_a_page() -> None:
    client = browser()
    answers = [client.post(reverse("account_signup"), {"email": "x", "password1": "y"}) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert "Too many tries" in answers[-1].content.decode()


def test_the_count_of_a_key_is_kept_however_many_keys_there_are() -> None:
    """Django's own caches drop rows when they are full: an attacker would fill them."""
    cache.set("kept", [1.5], 600)
    for number in range(1_000):
        cache.set(f"filler:{number}", [float(number)], 600)
    assert cache.get("kept") == [1.5]


def test_of_two_at_once_one_gets_the_lock() -> None:
    assert cache.add("lock", value=True, timeout=600)
    assert not cache.add("lock", value=True, timeout=600)
    assert cache.delete("lock")
    assert cache.add("lock", value=True, timeout=-1)  # its time is over at once
    assert cache.get("lock") is None
    assert cache.add("lock", value=True, timeout=600)


def test_tries_that_come_at_once_are_counted_one_by_one(desk: Desk) -> None:
    """Twelve connections: no more than five passwords are looked at."""
    with override_settings(PASSWORD_HASHERS=global_settings.PASSWORD_HASHERS):  # the desk's
        account = person()
    guessers = [RawBrowser(desk, "198.51.100.88") for _ in range(12)]
    with ThreadPoolExecutor(len(guessers)) as threads:
        answers = list(threads.map(lambda guesser: guesser.sign_in(str(account), WRONG), guessers))
    assert [answer.status for answer in answers] == [200] * 12
    assert 1 <= sum(event.count for event in logged(account=account, kind="failed")) <= 5
    assert sum(event.count for event in logged(account=account)) == 12


def test_two_desks_on_one_database_count_together(desk: Desk, stack: ExitStack) -> None:
    other = start_desk()
    stack.callback(stop_desk, other)
    with override_settings(PASSWORD_HASHERS=global_settings.PASSWORD_HASHERS):  # the desk's
        account = person()
    one = RawBrowser(desk, "198.51.100.77")
    two = RawBrowser(other, "198.51.100.77")
    owner = RawBrowser(desk, "192.0.2.7")
    for guesser in (one, one, one, two, two):
        assert guesser.sign_in(str(account), WRONG).status == 200
    for guesser in (one, two):
        answer = guesser.sign_in(str(account), PASSWORD)
        assert answer.status == 200
        assert b"Too many" in answer.body
    assert owner.sign_in(str(account), PASSWORD).status == 302
