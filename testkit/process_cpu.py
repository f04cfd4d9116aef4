"""CPU time of processes, and children of a process by name, from /proc.

Where there is no /proc (macOS), the functions return None, 0 or nothing.
"""

import os
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
_USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM = range(11, 15)  # fields of `stat` behind the name; man proc_pid_stat
_PARENT = 1


class CpuSeconds(NamedTuple):
    """CPU seconds that the server processes and PostgreSQL have used since they started."""

    server: float
    postgres: float

    def since(self, before: "CpuSeconds") -> "CpuSeconds":
        """Return the seconds used between `before` and this."""
        return CpuSeconds(self.server - before.server, self.postgres - before.postgres)


def desk_seconds(*, servers: Collection[int], postmaster: int) -> CpuSeconds | None:
    """Return the CPU time of the server processes, and of the postmaster with every process it ever started."""
    own = [stat for server in servers if (stat := _stat(server))]
    parent = _stat(postmaster)
    if not own or not parent:
        return None
    ticks = sum(parent[_USER : _CHILDREN_SYSTEM + 1])  # this includes backends that have ended
    ticks += sum(sum(stat[_USER : _SYSTEM + 1]) for stat in _children(postmaster).values())
    tick_hz = os.sysconf("SC_CLK_TCK")
    return CpuSeconds(sum(sum(stat[_USER : _SYSTEM + 1]) for stat in own) / tick_hz, ticks / tick_hz)


def seconds_used(pid: int) -> float:
    """Return the CPU time of one process."""
    own = _stat(pid)
    return sum(own[_USER : _SYSTEM + 1]) / os.sysconf("SC_CLK_TCK") if own else 0.0


def children_named(parent: int, name: str) -> tuple[int, ...]:
    """Return the child processes of `parent` with this name (15 characters at most, as the kernel keeps them)."""
    return tuple(pid for pid in sorted(_children(parent)) if _name(pid) == name)


def first_child_named(parent: int, name: str) -> int | None:
    """Return the lowest id that `children_named` returns, or None."""
    return next(iter(children_named(parent, name)), None)


def _name(pid: int) -> str:
    try:
        return (_PROC / str(pid) / "comm").read_text(errors="replace").strip()
    except OSError:
        return ""


def _children(parent: int) -> dict[int, list[int]]:
    stats = {int(entry.name): _stat(int(entry.name)) for entry in _PROC.glob("[0-9]*")}
    return {pid: stat for pid, stat in stats.items() if stat and stat[_PARENT] == parent}


def _stat(pid: int) -> list[int] | None:
    """Return the fields of `stat` behind the name, which may contain anything. The first, the state, is given as 0."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    return [0, *(int(field) for field in text.rpartition(")")[2].split()[1:])]
