"""Asking a provider for its services and its balance, and saying plainly why there was no answer."""

from decimal import Decimal

import msgspec

from tradepost.providers import panels, sealing
from tradepost.providers.models import Provider
from tradepost_client import Ambiguous, Balance, NotSent, PanelError, RateLimited, Service

MESSAGE_CHARS_MAX = 300
BALANCE_MAX = Decimal(999999999999999)  # what `numeric(20,5)` holds


class Told(msgspec.Struct, frozen=True):
    """What a provider said of itself."""

    services: list[Service]
    balance: Balance


class NoAnswer(Exception):  # noqa: N818 - reads as what it says
    """The provider gave no answer that could be used; the message tells a person why."""


def ask(provider: Provider) -> Told:
    """Ask a provider for all it tells of itself. Raises `NoAnswer`."""
    try:
        with panels.client_of(provider) as panel:
            told = Told(panel.services(), panel.balance())
    except PanelError as error:
        raise NoAnswer(_in_words(error)[:MESSAGE_CHARS_MAX]) from error
    except sealing.Unreadable:
        raise NoAnswer("Its key was sealed with another secret key: enter it again.") from None
    except ValueError as error:  # what the client refuses to send: an address or a key that can't be one
        raise NoAnswer(f"It can't be asked: {error}."[:MESSAGE_CHARS_MAX]) from error
    if abs(told.balance.balance) > BALANCE_MAX:
        raise NoAnswer(f"It tells a balance that can't be: {told.balance.balance}.")
    return told


def _in_words(error: PanelError) -> str:
    action = error.evidence.action
    if isinstance(error, NotSent):
        return f"No connection: {error.evidence.failure}."
    if isinstance(error, RateLimited):
        return f"It answered {action} with {error}."
    if isinstance(error, Ambiguous):
        return f"It gave no answer to {action} that could be read: {error}."
    return f"It refused {action}: {error}"
