"""What a run has measured."""

from dataclasses import dataclass

from bench import cpu


@dataclass(frozen=True)
class Figures:
    """How many were done, how many a second, and how long one took; the means of pgbench are no percentiles."""

    done: int
    per_second: float
    p50_ms: float | None = None
    p99_ms: float | None = None
    mean_ms: float | None = None


@dataclass(frozen=True)
class Run:
    """One run's figures and the CPU seconds used meanwhile (None: not to be had)."""

    figures: Figures
    cpu: cpu.Seconds | None
