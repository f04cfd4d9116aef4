"""The results of one run of a part."""

from dataclasses import dataclass

from testkit.process_cpu import CpuSeconds


@dataclass(frozen=True)
class Figures:
    """Requests done, their rate, and how long one took; pgbench gives a mean instead of percentiles."""

    done: int
    per_second: float
    p50_ms: float | None = None
    p99_ms: float | None = None
    mean_ms: float | None = None


@dataclass(frozen=True)
class Run:
    """A run's figures, and the CPU seconds used meanwhile (None: unknown)."""

    figures: Figures
    cpu: CpuSeconds | None
