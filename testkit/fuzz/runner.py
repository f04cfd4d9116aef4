"""Fuzzing: a running desk gets requests that no client should send, and must answer them all without harm."""

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import hypothesis
from hypothesis import HealthCheck, Phase

from testkit import process_memory
from testkit.errors import RunFailedError
from testkit.fuzz.bad_requests import Target, requests
from testkit.fuzz.http_requests import Request
from testkit.fuzz.probe import ANSWER_SECONDS_MAX, Probe
from testkit.fuzz.request_content import Strategy

CHUNK = 500  # requests from one seed: this bounds what Hypothesis remembers
WARM_UP_PART = 0.1
GROWTH_BYTES_MAX = 32 * 1024**2


@dataclass(frozen=True)
class FuzzResult:
    """How often each answer came, and by how much the memory of the server grew (None: unknown)."""

    answers: Counter[str]
    growth_bytes: int | None


def fuzz(
    target: Target,
    *,
    count: int,
    seed: int,
    server: int | None,
    answer_seconds_max: float = ANSWER_SECONDS_MAX,
    progress: Callable[[int], None] = lambda _: None,
) -> FuzzResult:
    """Send `count` requests; the same seed makes the same requests. `server` is the process whose memory is watched.

    Raises `RunFailedError` for the first request with a wrong answer, or if memory grew too much. The caller must check
    that there is no new order and that no money has moved.
    """
    made_up = requests(target)
    warm = None
    with closing(Probe(target.host, target.port, seconds_max=answer_seconds_max)) as probe:
        while probe.asked < count:
            _send(made_up, min(CHUNK, count - probe.asked), f"{seed}/{probe.asked}", probe)
            progress(probe.asked)
            if warm is None and probe.asked >= count * WARM_UP_PART:
                warm = process_memory.resident_bytes(server)
        end = process_memory.resident_bytes(server)
    growth = None if warm is None or end is None else end - warm
    if growth is not None and growth > GROWTH_BYTES_MAX:
        raise RunFailedError(f"the server's memory grew by {growth:,} bytes")
    return FuzzResult(probe.answers, growth)


def _send(made_up: Strategy[Request], count: int, seed: str, probe: Probe) -> None:
    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],  # no shrinking: each attempt could take as long as a hang
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @hypothesis.given(made_up)
    def ask(request: Request) -> None:
        probe.ask(request)

    ask()
