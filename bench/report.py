"""What was measured: one table to read, one JSON file to keep."""

import json
import os
import platform
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from bench.figures import Rounds
from bench.pgbench import CLIENTS
from bench.workload import Workload

type Row = tuple[str, ...]


def line(workload: Workload, rounds: Rounds) -> str:
    """Return the last round in a line."""
    yardstick = rounds.pgbench[-1].figures.per_second
    loads = {connections: runs[-1].figures.per_second for connections, runs in rounds.desk.items()}
    parts = [f"{connections} connections {rate:,.0f} ({rate / yardstick:.2f} ×)" for connections, rate in loads.items()]
    return f"{workload.unit}/s: pgbench {yardstick:,.0f}, " + ", ".join(parts)


def table(workload: Workload, rounds: Rounds) -> str:
    """Return the table: medians over the rounds, in brackets the smallest and the largest."""
    header: Row = ("", f"{workload.unit}/s", "p50 ms", "p99 ms", "× pgbench", "CPU µs desk", "CPU µs PostgreSQL")
    yardstick = median(run.figures.per_second for run in rounds.pgbench)
    rows: list[Row] = [header]
    for connections, runs in rounds.desk.items():
        loads = [run.figures for run in runs]
        ratios = [load.per_second / run.figures.per_second for load, run in zip(loads, rounds.pgbench, strict=True)]
        ratio = median(load.per_second for load in loads) / yardstick
        rows.append(
            (
                f"desk, {connections} connections",
                _spread((load.per_second for load in loads), ",.0f"),
                _spread((load.p50_ms for load in loads), ".1f"),
                _spread((load.p99_ms for load in loads), ".1f"),
                f"{ratio:.2f} ({min(ratios):.2f}-{max(ratios):.2f})",
                _cpu_us(run.cpu.server / run.figures.answered for run in runs if run.cpu),
                _cpu_us(run.cpu.postgres / run.figures.answered for run in runs if run.cpu),
            )
        )
    sticks = [run.figures for run in rounds.pgbench]
    rows.append(
        (
            f"pgbench, {CLIENTS} clients",
            _spread((stick.per_second for stick in sticks), ",.0f"),
            _spread((stick.latency_ms for stick in sticks), ".1f") + " mean",
            "",
            "1",
            "",
            _cpu_us(run.cpu.postgres / run.figures.done for run in rounds.pgbench if run.cpu),
        )
    )
    return _aligned(rows)


def _spread(values: Iterable[float], form: str) -> str:
    all_values = list(values)
    return f"{median(all_values):{form}} ({min(all_values):{form}}-{max(all_values):{form}})"


def _cpu_us(seconds: Iterable[float]) -> str:
    values = list(seconds)
    return f"{median(values) * 1e6:.0f}" if values else "-"


def _aligned(rows: list[Row]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    lines = [f"| {' | '.join(row)} |" for row in padded]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def write_json(path: Path, workload: Workload, rounds: Rounds, *, seconds: int) -> None:
    """Write every run's figures: rates per second, latencies in ms, CPU in seconds a run."""
    figures: dict[str, Any] = {
        "workload": workload.name,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _git("rev-parse", "HEAD"),
        "changed": bool(_git("status", "--porcelain")),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "seconds": seconds,
        "desk": {
            str(connections): [
                {
                    "answered": run.figures.answered,
                    "per_second": run.figures.per_second,
                    "p50_ms": run.figures.p50_ms,
                    "p99_ms": run.figures.p99_ms,
                    "cpu_seconds": run.cpu._asdict() if run.cpu else None,
                }
                for run in runs
            ]
            for connections, runs in rounds.desk.items()
        },
        "pgbench": [
            {
                "done": run.figures.done,
                "per_second": run.figures.per_second,
                "latency_mean_ms": run.figures.latency_ms,
                "cpu_seconds": run.cpu._asdict() if run.cpu else None,
            }
            for run in rounds.pgbench
        ],
        "ratios": ratios(rounds),
    }
    path.write_text(json.dumps(figures, indent=2) + "\n")


def ratios(rounds: Rounds) -> dict[str, float]:
    """Return the ratio of the medians for each number of connections."""
    yardstick = median(run.figures.per_second for run in rounds.pgbench)
    return {
        str(connections): median(run.figures.per_second for run in runs) / yardstick
        for connections, runs in rounds.desk.items()
    }


def _git(*arguments: str) -> str | None:
    done = subprocess.run(["git", *arguments], check=False, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None
