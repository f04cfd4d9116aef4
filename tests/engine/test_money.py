"""Amounts: rounded one way, shown one way."""

from decimal import Decimal

import pytest

from tradepost.engine import money


@pytest.mark.parametrize(
    ("rate", "quantity", "charge"),
    [
        ("0.90", 1000, "0.9"),
        ("0.90", 309, "0.2781"),
        ("0.0000001", 10, "0.00001"),
        ("0", 1000, "0"),
        ("1.23455", 1, "0.00123"),
        ("1.235", 1, "0.00124"),
        ("99999.9999999", 1_000_000, "99999999.9999"),
    ],
)
def test_a_charge_is_rounded_half_up_and_never_nothing(rate: str, quantity: int, charge: str) -> None:
    assert money.charge_for(Decimal(rate), quantity) == Decimal(charge)


@pytest.mark.parametrize(
    ("value", "shown"),
    [("0.9", "0.90"), ("8", "8.00"), ("0.27819", "0.27819"), ("100.84292", "100.84292"), ("1E+3", "1000.00"),
     ("0.00001", "0.00001"), ("0E-5", "0.00"), ("1000000.00000", "1000000.00"), ("-0.5", "-0.50")],
)  # fmt: skip
def test_amounts_are_shown_plain_with_two_decimals_or_more(value: str, shown: str) -> None:
    assert money.show(Decimal(value)) == shown
