"""What the rounds have measured so far."""

from dataclasses import dataclass, field

from bench import cpu
from bench.pgbench import Yardstick
from bench.wrk import Load

CONNECTIONS = (64, 256)


@dataclass(frozen=True)
class Run[Figures]:
    """One run's figures and the CPU seconds used meanwhile (None: not to be had)."""

    figures: Figures
    cpu: cpu.Seconds | None


@dataclass
class Rounds:
    """The runs so far: of the desk by connections, and of the yardstick."""

    desk: dict[int, list[Run[Load]]] = field(default_factory=lambda: {each: [] for each in CONNECTIONS})
    pgbench: list[Run[Yardstick]] = field(default_factory=list)
