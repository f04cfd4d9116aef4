"""Asking a provider for its services and its balance, and saying plainly why there was no answer."""

from decimal import Decimal

import msgspec

from tradepost.engine.exceptions import TradepostError
from tradepost.providers import client, encryption
from tradepost.providers.models import Provider
from tradepost_client import Ambiguous, Balance, NotSent, PanelError, RateLimited, Service

MESSAGE_CHARS_MAX = 300
BALANCE_MAX = Decimal(999999999999999)  # what `numeric(20,5)` holds


class ProviderSnapshot(msgspec.Struct, frozen=True):
    """What a provider said of itself."""

    services: list[Service]
    balance: Balance


class ProviderUnreachableError(TradepostError):
    """The provider gave no answer that could be used; the message tells a person why."""


def fetch(provider: Provider) -> ProviderSnapshot:
    """Ask a provider for all it tells of itself. Raises `NoAnswer`."""
    try:
        with client.client_of(provider) as panel:
            told = ProviderSnapshot(panel.services(), panel.balance())
    except PanelError as error:
        raise ProviderUnreachableError(_in_words(error)[:MESSAGE_CHARS_MAX]) from error
    except encryption.DecryptionError:
        raise ProviderUnreachableError("Its key was sealed with another secret key: enter it again.") from None
    except ValueError as error:  # what the client refuses to send: an address or a key that can't be one
        raise ProviderUnreachableError(f"It can't be asked: {error}."[:MESSAGE_CHARS_MAX]) from error
    if abs(told.balance.balance) > BALANCE_MAX:
        raise ProviderUnreachableError(f"It tells a balance that can't be: {told.balance.balance}.")
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
