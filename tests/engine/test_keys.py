"""API keys: how they look, and where they may be used from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradepost.engine import keys
from tradepost.engine.keys import Scope


def test_a_new_key_is_long_random_and_told_by_its_hint() -> None:
    new = keys.generate()

    assert new.text.startswith("tp_live_")
    assert len(new.text) == len("tp_live_") + 43  # 256 bits in base64
    assert new.prefix == new.text[:12]
    assert new.digest == keys.digest(new.text)
    assert keys.generate().text != new.text


@given(st.text(st.characters()))
def test_any_text_has_a_digest(text: str) -> None:
    assert len(keys.digest(text)) == 32


@pytest.mark.parametrize(
    ("networks", "address", "may"),
    [
        ([], None, True),
        ([], "203.0.113.7", True),
        (["203.0.113.0/24"], "203.0.113.7", True),
        (["203.0.113.0/24"], "203.0.114.7", False),
        (["203.0.113.7/32", "2001:db8::/32"], "2001:db8::1", True),
        (["203.0.113.7/32", "2001:db8::/32"], "203.0.113.7", True),
        (["203.0.113.7/32"], "2001:db8::1", False),
        (["::ffff:203.0.113.0/120"], "203.0.113.7", True),  # stored before networks were read as they are now
        (["0.0.0.0/0"], None, False),
        (["0.0.0.0/0"], "", False),
        (["0.0.0.0/0"], "not an address", False),
    ],
)
def test_a_key_may_be_used_from_its_networks_only(networks: list[str], address: str | None, may: bool) -> None:
    assert keys.is_permitted(Scope.READ, address, scope=Scope.ORDER, networks=networks) is may


@pytest.mark.parametrize(
    ("scope", "to", "may"),
    [
        (Scope.READ, Scope.READ, True),
        (Scope.READ, Scope.ORDER, False),
        (Scope.ORDER, Scope.READ, True),
        (Scope.ORDER, Scope.ORDER, True),
    ],
)
def test_a_key_that_may_only_read_orders_nothing(scope: Scope, to: Scope, may: bool) -> None:
    assert keys.is_permitted(to, None, scope=scope, networks=[]) is may


@pytest.mark.parametrize(
    ("given_", "stored"),
    [
        ("203.0.113.7", "203.0.113.7/32"),
        (" 203.0.113.7/24 ", "203.0.113.0/24"),
        ("2001:DB8::1/64", "2001:db8::/64"),
        ("::1", "::1/128"),
        ("::ffff:203.0.113.7", "203.0.113.7/32"),
        ("::ffff:203.0.113.7/120", "203.0.113.0/24"),
        ("::/0", "::/0"),
    ],
)
def test_a_network_is_stored_in_one_form(given_: str, stored: str) -> None:
    assert keys.tidy_network(given_) == stored


@pytest.mark.parametrize("network", ["", "example.test", "203.0.113.7/33", "203.0.113"])
def test_what_is_no_network_is_refused(network: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        keys.tidy_network(network)
