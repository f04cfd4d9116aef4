"""Faults between an upstream panel and its client, and which requests meet them."""

import random
import threading
from collections import defaultdict, deque
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Self


class Fault(StrEnum):
    """One way to fail. `_BEFORE`: the panel has not processed the request yet. `_AFTER`: it has."""

    DELAY = "delay"  # a complete answer, late
    SLOW_BODY = "slow body"  # a complete answer, a few bytes at a time
    RESET_BEFORE = "reset before"
    RESET_AFTER = "reset after"
    RESET_MIDWAY = "reset midway"  # in the middle of the answer
    ERROR_BEFORE = "error before"  # a 502 with a page
    ERROR_AFTER = "error after"  # a 500 with an error in JSON
    HTML_BEFORE = "html before"  # a firewall's page, status 200
    HTML_AFTER = "html after"
    EMPTY_BEFORE = "empty before"
    EMPTY_AFTER = "empty after"
    TRUNCATED = "truncated"  # JSON without its end
    BOM = "bom"
    PHP_NOTICE = "php notice"
    TOO_MANY = "too many"  # 429 with Retry-After
    REDIRECT = "redirect"
    WRONG_ID = "wrong id"  # the id of another order
    PRICE_CHANGE = "price change"  # all rates a tenth higher or lower, for this order too

    @property
    def accepts(self) -> bool:
        """Whether the panel processes the request."""
        return self not in _NOT_DONE

    @property
    def is_harmless(self) -> bool:
        """Whether a patient and tolerant client still gets the right answer."""
        return self in _HARMLESS


_NOT_DONE = frozenset(
    {
        Fault.RESET_BEFORE,
        Fault.ERROR_BEFORE,
        Fault.HTML_BEFORE,
        Fault.EMPTY_BEFORE,
        Fault.TOO_MANY,
        Fault.REDIRECT,
    }
)
_HARMLESS = frozenset({Fault.DELAY, Fault.SLOW_BODY, Fault.BOM, Fault.PHP_NOTICE, Fault.PRICE_CHANGE})


class Faults:
    """Decides which request fails: first the faults scripted for its action, then by chance.

    With the same seed, requests in the same order meet the same faults.
    """

    def __init__(
        self, chances: Mapping[Fault, float] | None = None, *, seed: int = 0, actions: Collection[str] = ()
    ) -> None:
        self._chances = dict(chances or {})
        self._actions = frozenset(actions)
        self._random = random.Random(seed)
        self._scripts: dict[str, deque[Fault | None]] = defaultdict(deque)
        self._lock = threading.Lock()

    @classmethod
    def of_every_kind(
        cls, share: float, *, seed: int = 0, actions: Collection[str] = (), but: Collection[Fault] = ()
    ) -> Self:
        """Make a share of all requests (0 to 1) fail, by every kind of fault equally often, except those in `but`."""
        kinds = [fault for fault in Fault if fault not in but]
        return cls({fault: share / len(kinds) for fault in kinds}, seed=seed, actions=actions)

    def script(self, *faults: Fault | None, action: str = "add") -> None:
        """Script the faults of the next requests for an action, in order; None means no fault."""
        with self._lock:
            self._scripts[action].extend(faults)

    def next(self, action: str) -> Fault | None:
        """Return the fault of the request that has just arrived, or None."""
        with self._lock:
            if self._scripts[action]:
                return self._scripts[action].popleft()
            if not self._chances or (self._actions and action not in self._actions):
                return None
            drawn = self._random.random()
            for fault, chance in self._chances.items():
                drawn -= chance
                if drawn < 0:
                    return fault
        return None
