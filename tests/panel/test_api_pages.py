"""The API's pages: keys, and the reference, which is made from the API's own tables and whose examples run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.urls import reverse

from tests.api.api_calls import call
from tests.conftest import Customer, Desk
from tests.panel.conftest import browser, page
from tests.waiting import HANG_SECONDS
from tradepost.accounts.models import Account, Key
from tradepost.engine.actions import Action
from tradepost.engine.errors import Refusal
from tradepost.engine.order_types import OrderType
from tradepost.orders.models import Order
from tradepost.panel.storefront import Storefront
from tradepost.panel.views import api_docs

KEYS = "/api/keys/"
RUNS = {"curl": ["sh"], "Python": [sys.executable], "PHP": ["php"], "Node": ["node"]}
SUFFIXES = {"curl": "sh", "Python": "py", "PHP": "php", "Node": "js"}


def make(customer: Customer, **form: str) -> str:
    """Create a key on the page, and return the text that the page shows."""
    text = browser(customer).post(KEYS, {"scope": "order", **form}).content.decode()
    found = re.findall(r'<code id="made">([^<]+)</code>', text)
    return str(found[0]) if found else ""


def test_a_key_is_shown_once_and_works(desk: Desk, alice: Customer) -> None:
    key = make(alice, name="My panel")
    assert call(desk, key, "balance")["balance"] == "100.00"
    text = page(browser(alice), KEYS)
    assert key not in text
    assert "My panel" in text


def test_a_test_key_has_play_money(desk: Desk, alice: Customer) -> None:
    key = make(alice, test="on")
    assert key.startswith("tp_test_")
    assert call(desk, key, "balance")["balance"] == "10000.00"


def test_a_key_may_be_for_looking_only_and_from_some_networks(alice: Customer) -> None:
    make(alice, scope="read", networks="10.1.2.3/8, 203.0.113.7")
    key = Key.objects.filter(account=alice.id).latest("id")
    assert (key.scope, key.networks) == ("read", ["10.0.0.0/8", "203.0.113.7/32"])
    assert make(alice, networks="everywhere") == ""
    answer = browser(alice).post(reverse("panel:keys"), {"scope": "read", "networks": "abc"}).content.decode()
    assert "“abc” is not an IP address or network." in answer


def test_a_revoked_key_is_refused_at_once(desk: Desk, alice: Customer) -> None:
    key = make(alice)
    row = Key.objects.filter(account=alice.id).latest("id")
    browser(alice).post(reverse("panel:revoke_key", args=[row.pk]))
    assert call(desk, key, "balance") == {"error": "Invalid API key"}


def test_nobody_sees_another_customers_keys(alice: Customer, bob: Customer) -> None:
    make(alice, name="Secret project")
    assert "Secret project" not in page(browser(bob), KEYS)


def test_a_page_with_a_key_is_kept_by_no_browser(alice: Customer) -> None:
    assert "no-store" in browser(alice).get(KEYS).headers["Cache-Control"]


def test_the_reference_has_all_there_is(alice: Customer) -> None:
    text = page(browser(alice), "/api/").replace("&lt;", "<").replace("&gt;", ">")
    for word in (
        *(refusal.text.partition("<")[0] for refusal in Refusal.__subclasses__()),
        *(type_.value for type_ in OrderType),
    ):
        assert word in text
    assert "http://127.0.0.1/api/v2" in text


def test_every_action_is_in_the_reference() -> None:
    assert {action.name for action in api_docs.ACTIONS} == set(Action)


@pytest.mark.parametrize("language", api_docs.EXAMPLES)
def test_the_examples_run_as_they_are_shown(
    language: str, desk: Desk, alice: Customer, service: int, tmp_path: Path
) -> None:
    program = shutil.which(RUNS[language][0])
    if program is None:
        assert os.environ.get("CI") != "true", f"{language} is not installed here"
        pytest.skip(f"{language} is not installed here")
    storefront = Storefront(Account.objects.get(pk=alice.id))
    text = api_docs.examples(desk.api_url, storefront, key=alice.key)[language]
    example = tmp_path / f"example.{SUFFIXES[language]}"
    example.write_text(text)
    subprocess.run([program, str(example)], check=True, capture_output=True, timeout=HANG_SECONDS)
    assert Order.objects.get(account=alice.id).link == api_docs.EXAMPLE_LINK
    assert service


def test_the_examples_shown_are_those_that_run(alice: Customer, service: int) -> None:
    text = page(browser(alice), "/api/")
    assert service
    for name in api_docs.EXAMPLES:
        assert f'id="example-{name.lower()}"' in text
    assert "YOUR_KEY" in text
