"""CPU time of the desk's processes, from /proc. Where there is none (macOS), None."""

import os
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
_USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM = range(11, 15)  # fields of `stat` behind the name; man proc_pid_stat
_PARENT = 1


class Seconds(NamedTuple):
    """CPU seconds since the start, of the server processes and of PostgreSQL."""

    server: float
    postgres: float

    def since(self, before: "Seconds") -> "Seconds":
        """Return what was used between `before` and this."""
        return Seconds(self.server - before.server, self.postgres - before.postgres)


def used(*, servers: Collection[int], postmaster: int) -> Seconds | None:
    """Return the CPU time that the server processes, and the postmaster with all it ever started, have used."""
    own = [stat for server in servers if (stat := _stat(server))]
    parent = _stat(postmaster)
    if not own or not parent:
        return None
    ticks = sum(parent[_USER : _CHILDREN_SYSTEM + 1])  # with the backends that have ended
    ticks += sum(sum(stat[_USER : _SYSTEM + 1]) for stat in _children(postmaster).values())
    tick_hz = os.sysconf("SC_CLK_TCK")
    return Seconds(sum(sum(stat[_USER : _SYSTEM + 1]) for stat in own) / tick_hz, ticks / tick_hz)


def of(pid: int) -> float:
    """Return the CPU time that one process has used."""
    own = _stat(pid)
    return sum(own[_USER : _SYSTEM + 1]) / os.sysconf("SC_CLK_TCK") if own else 0.0


def named(parent: int, name: str) -> tuple[int, ...]:
    """Return the processes of this name, of which the kernel keeps 15 characters, that `parent` has started."""
    return tuple(pid for pid in sorted(_children(parent)) if _name(pid) == name)


def child(parent: int, name: str) -> int | None:
    """Return the first of them."""
    return next(iter(named(parent, name)), None)


def _name(pid: int) -> str:
    try:
        return (_PROC / str(pid) / "comm").read_text(errors="replace").strip()
    except OSError:
        return ""


def _children(parent: int) -> dict[int, list[int]]:
    stats = {int(entry.name): _stat(int(entry.name)) for entry in _PROC.glob("[0-9]*")}
    return {pid: stat for pid, stat in stats.items() if stat and stat[_PARENT] == parent}


def _stat(pid: int) -> list[int] | None:
    """Return the numbers of `stat` from the state on (which counts as 0), behind a name that may hold anything."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    return [0, *(int(field) for field in text.rpartition(")")[2].split()[1:])]
