"""A workload: the parts that run in turns, and the goals that compare one part with another."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Part:
    """One load of a workload.

    `clients` are the connections of wrk or the clients of pgbench. `script` is a Lua file for wrk or an SQL file for
    pgbench; `arguments` go to the script behind the key, and names in capitals stand for values of the desk and the run
    (`Loads.fill`). `target` is the path of the URL on a server that is not the desk. If `is_ordering`, every request of
    wrk is an order, and the run is verified against the database.
    """

    label: str
    kind: str  # "desk", "bare", "django", "pgbench" or "batches"; other workloads have kinds of their own
    clients: int = 0
    script: Path = Path()
    arguments: tuple[str, ...] = ()
    target: str = ""
    is_ordering: bool = False


@dataclass(frozen=True)
class Goal:
    """The rate of `part`, divided by the rate of `against`, must reach `ratio_min` (None: it is only printed)."""

    part: str
    against: str
    ratio_min: float | None = None


@dataclass(frozen=True)
class Workload:
    """`unit` is what one request does, in the plural."""

    name: str
    unit: str
    parts: tuple[Part, ...]
    goals: tuple[Goal, ...]
