"""Memory of a process, from /proc. Where there is none (macOS), None."""

from pathlib import Path


def resident(pid: int | None) -> int | None:
    """Return the bytes that a process has in memory."""
    return _told(pid, "VmRSS:")


def peak(pid: int | None) -> int | None:
    """Return the most bytes that a process has ever had in memory."""
    return _told(pid, "VmHWM:")


def _told(pid: int | None, name: str) -> int | None:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    lines = [line.split() for line in status.splitlines() if line.startswith(name)]
    return int(lines[0][1]) * 1024 if lines else None
