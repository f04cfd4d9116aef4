"""The line to a provider: as many requests at a time, and a second, as it allows; and what they took."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Self

from django.db.models import F

from tradepost.fulfilment.provider_errors import is_clear
from tradepost.providers import client as provider_client
from tradepost.providers.models import Provider
from tradepost_client import Client, PanelError


class ThrottledClient:
    """Calls a provider from threads of its own, within its limits. Everything that is asked of it goes through here."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider.pk
        self._client = _kept_client(provider)
        self._threads = ThreadPoolExecutor(provider.parallel_requests, thread_name_prefix=f"provider {provider.pk}")
        self.width = provider.parallel_requests
        self._seconds_apart = 1 / provider.requests_a_second
        self._next_at = time.monotonic()
        self._lock = threading.Lock()
        self._requests = self._failures = self._milliseconds = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown()
        self.note_health()

    def call[T](self, ask: Callable[[Client], T]) -> T | PanelError:
        """Make one call and wait for its answer."""
        return self._threads.submit(self._call, ask).result()

    def each[A, T](self, asked: Sequence[A], ask: Callable[[Client, A], T]) -> Iterator[list[tuple[A, T | PanelError]]]:
        """Make a call for each; yield what has been answered, all that is there at a time, until all is."""
        waiting: dict[Future[T | PanelError], A] = {}
        rest = iter(asked)
        while True:
            for each in rest:
                waiting[self._threads.submit(self._call, _asking(ask, each))] = each
                if len(waiting) >= 2 * self.width:
                    break
            if not waiting:
                return
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            yield [(waiting.pop(future), future.result()) for future in done]

    def note_health(self) -> None:
        """Add what was asked since the last time to the provider's figures."""
        with self._lock:
            told = self._requests, self._failures, self._milliseconds
            self._requests = self._failures = self._milliseconds = 0
        if told[0]:
            Provider.objects.filter(pk=self._provider).update(
                requests=F("requests") + told[0],
                failures=F("failures") + told[1],
                request_milliseconds=F("request_milliseconds") + told[2],
            )

    def _call[T](self, ask: Callable[[Client], T]) -> T | PanelError:
        self._await_turn()
        began = time.monotonic()
        answer: T | PanelError
        try:
            answer = ask(self._client)
        except PanelError as error:
            answer = error
        with self._lock:
            self._requests += 1
            self._failures += isinstance(answer, PanelError) and not is_clear(answer)
            self._milliseconds += round((time.monotonic() - began) * 1000)
        return answer

    def _await_turn(self) -> None:
        with self._lock:
            now = time.monotonic()
            mine = max(now, self._next_at)
            self._next_at = mine + self._seconds_apart
        time.sleep(max(0.0, mine - now))


# By provider, beside what it was made of: a visit goes on with the connections of the one before.
_clients: dict[int, tuple[object, Client]] = {}


def _kept_client(provider: Provider) -> Client:
    """Return the client of the last visit, or another if address, key or limits have changed."""
    made_of = provider.url, bytes(provider.encrypted_key), provider.parallel_requests
    kept = _clients.get(provider.pk)
    if kept and kept[0] == made_of:
        return kept[1]
    if kept:
        kept[1].close()
    client = provider_client.client_of(provider)
    _clients[provider.pk] = made_of, client
    return client


def close_clients() -> None:
    """Close the connections that are kept from visit to visit."""
    while _clients:
        _clients.popitem()[1][1].close()


def _asking[A, T](ask: Callable[[Client, A], T], each: A) -> Callable[[Client], T]:
    return lambda client: ask(client, each)
