"""Memory of a process, from /proc. Where there is no /proc (macOS), the functions return None."""

from pathlib import Path


def resident_bytes(pid: int | None) -> int | None:
    """Return the bytes that a process has in memory now."""
    return _status_bytes(pid, "VmRSS:")


def peak_bytes(pid: int | None) -> int | None:
    """Return the most bytes that a process ever had in memory."""
    return _status_bytes(pid, "VmHWM:")


def _status_bytes(pid: int | None, field: str) -> int | None:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    lines = [line.split() for line in status.splitlines() if line.startswith(field)]
    return int(lines[0][1]) * 1024 if lines else None
