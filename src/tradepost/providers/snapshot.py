"""Ask a provider for its services and balance. If that fails, explain in plain words why."""

from decimal import Decimal

import msgspec

from tradepost import encryption
from tradepost.engine.exceptions import TradepostError
from tradepost.providers import client
from tradepost.providers.models import Provider
from tradepost_client import Ambiguous, Balance, Client, NotSent, PanelError, RateLimited, Service

MESSAGE_CHARS_MAX = 300
BALANCE_MAX = Decimal(999999999999999)  # what `numeric(20,5)` holds


class ProviderSnapshot(msgspec.Struct, frozen=True):
    """A provider's services and balance. If the balance can't be read, `balance_error` says why."""

    services: list[Service]
    balance: Balance | None
    balance_error: str = ""


class ProviderUnreachableError(TradepostError):
    """The provider gave no usable answer; the message explains to staff why."""


def fetch_snapshot(provider: Provider) -> ProviderSnapshot:
    """Ask the provider for its services and balance. Raises `ProviderUnreachableError` if it lists no services.

    The list counts without the balance: prices must be followed, whatever else the provider can't say.
    """
    try:
        with client.client_of(provider) as panel:
            services = panel.services()
            balance = _balance(panel)
    except PanelError as error:
        raise ProviderUnreachableError(_in_words(error)[:MESSAGE_CHARS_MAX]) from error
    except encryption.DecryptionError:
        raise ProviderUnreachableError("Its key was sealed with another secret key: enter it again.") from None
    except ValueError as error:  # the client refuses to send: the address or the key is invalid
        raise ProviderUnreachableError(f"It can't be asked: {error}."[:MESSAGE_CHARS_MAX]) from error
    problem = balance_problem(balance)
    return ProviderSnapshot(services, balance if isinstance(balance, Balance) and not problem else None, problem)


def balance_problem(answer: Balance | PanelError) -> str:
    """Return why an answer to `balance` is of no use; empty if it is."""
    if isinstance(answer, PanelError):
        return _in_words(answer)[:MESSAGE_CHARS_MAX]
    if abs(answer.balance) > BALANCE_MAX:
        return f"It tells a balance that can't be: {answer.balance}."[:MESSAGE_CHARS_MAX]
    return ""


def _balance(panel: Client) -> Balance | PanelError:
    try:
        return panel.balance()
    except PanelError as error:
        return error


def _in_words(error: PanelError) -> str:
    action = error.evidence.action
    if isinstance(error, NotSent):
        return f"No connection: {error.evidence.failure}."
    if isinstance(error, RateLimited):
        return f"It answered {action} with {error}."
    if isinstance(error, Ambiguous):
        return f"It gave no answer to {action} that could be read: {error}."
    return f"It refused {action}: {error}"
