"""Call a provider within its limits on parallel requests and on requests per second, and count the requests."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Self

from django.db.models import F

from tradepost.fulfilment.provider_errors import is_clear_answer
from tradepost.providers import client as provider_client
from tradepost.providers.models import Provider
from tradepost_client import Client, PanelError


class ThrottledClient:
    """Calls a provider from threads of its own. During a visit, every request to the provider goes through here."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider.pk
        self._client = _cached_client(provider)
        self._threads = ThreadPoolExecutor(provider.parallel_requests, thread_name_prefix=f"provider {provider.pk}")
        self.parallel_requests = provider.parallel_requests
        self._seconds_apart = 1 / provider.requests_a_second
        self._next_at = time.monotonic()
        self._lock = threading.Lock()
        self._requests = self._failures = self._milliseconds = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown()
        self.note_health()

    def call[T](self, request: Callable[[Client], T]) -> T | PanelError:
        """Make one request and wait for its answer."""
        return self._threads.submit(self.request, request).result()

    def run[T](self, work: Callable[[], T]) -> T:
        """Do work in one of the threads, and wait for it. The work makes its requests by `request`."""
        return self._threads.submit(work).result()

    def run_each[A, T](self, items: Sequence[A], work: Callable[[A], T]) -> Iterator[list[tuple[A, T]]]:
        """Do work for each item in the threads. Yield the items done since the last yield, with their results."""
        waiting: dict[Future[T], A] = {}
        rest = iter(items)
        while True:
            for item in rest:
                waiting[self._threads.submit(work, item)] = item
                if len(waiting) >= 2 * self.parallel_requests:
                    break
            if not waiting:
                return
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            yield [(waiting.pop(future), future.result()) for future in done]

    def call_each[A, T](
        self, items: Sequence[A], request: Callable[[Client, A], T]
    ) -> Iterator[list[tuple[A, T | PanelError]]]:
        """Make one request for each item. Yield the items answered since the last yield, with their answers."""
        return self.run_each(items, lambda item: self.request(lambda client: request(client, item)))

    def note_health(self) -> None:
        """Add the requests made since the last call of this method to the provider's figures."""
        with self._lock:
            requests, failures, milliseconds = self._requests, self._failures, self._milliseconds
            self._requests = self._failures = self._milliseconds = 0
        if requests:
            Provider.objects.filter(pk=self._provider).update(
                requests=F("requests") + requests,
                failures=F("failures") + failures,
                request_milliseconds=F("request_milliseconds") + milliseconds,
            )

    def count_failures(self, failures: int) -> None:
        """Count requests that the provider answered again and again, and never clearly."""
        with self._lock:
            self._failures += failures
            self._requests += failures

    def request[T](self, request: Callable[[Client], T]) -> T | PanelError:
        """Make one request in the calling thread, when the provider's limit allows it, and count it."""
        self._await_turn()
        began = time.monotonic()
        answer: T | PanelError
        try:
            answer = request(self._client)
        except PanelError as error:
            answer = error
        with self._lock:
            self._requests += 1
            self._failures += isinstance(answer, PanelError) and not is_clear_answer(answer)
            self._milliseconds += round((time.monotonic() - began) * 1000)
        return answer

    def _await_turn(self) -> None:
        with self._lock:
            now = time.monotonic()
            turn_at = max(now, self._next_at)
            self._next_at = turn_at + self._seconds_apart
        time.sleep(max(0.0, turn_at - now))


# For each provider's id, its connection settings and its client. A visit reuses the connections of the last visit.
_clients: dict[int, tuple[object, Client]] = {}


def _cached_client(provider: Provider) -> Client:
    """Return the client of the last visit, or a new one if the provider's address, key or limits have changed."""
    settings = provider.url, bytes(provider.encrypted_key), provider.parallel_requests
    cached = _clients.get(provider.pk)
    if cached and cached[0] == settings:
        return cached[1]
    if cached:
        cached[1].close()
    client = provider_client.client_of(provider)
    _clients[provider.pk] = settings, client
    return client


def close_clients() -> None:
    """Close the connections that are kept from visit to visit."""
    while _clients:
        _clients.popitem()[1][1].close()
