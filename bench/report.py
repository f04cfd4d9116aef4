"""The results of a benchmark: tables to print, and one JSON file to keep."""

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from bench.run_results import Run
from bench.workload import Goal, Part, Workload

RESULTS = Path(__file__).parent / "results"
COMMIT_CHARS = 10

type Row = tuple[str, ...]


@dataclass
class Measured:
    """A workload, and the runs of its parts so far, by the part's label."""

    workload: Workload
    runs: dict[str, list[Run]] = field(init=False)

    def __post_init__(self) -> None:
        self.runs = {part.label: [] for part in self.workload.parts}

    def add(self, part: Part, run: Run) -> None:
        self.runs[part.label].append(run)

    def per_second(self, part: str) -> list[float]:
        """Return a part's rates in the order of the rounds."""
        return [run.figures.per_second for run in self.runs[part]]

    def ratio(self, goal: Goal) -> tuple[float, float, float]:
        """Return the ratio of the medians, and the smallest and the largest ratio of a round."""
        ours, theirs = self.per_second(goal.part), self.per_second(goal.against)
        ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
        return median(ours) / median(theirs), min(ratios), max(ratios)


def last_round(measured: Measured) -> str:
    """Return one line about the workload's last round, by its first goal."""
    first = measured.workload.goals[0]
    ours, theirs = measured.per_second(first.part)[-1], measured.per_second(first.against)[-1]
    return f"{measured.workload.name} {ours:,.0f}/s ({ours / theirs:.2f} ×)"


def table(measured: Measured) -> str:
    """Return a workload's table: medians of the rounds, in brackets the smallest and the largest."""
    workload = measured.workload
    rows: list[Row] = [
        (workload.name, f"{workload.unit}/s", "p50 ms", "p99 ms", "CPU µs server", "CPU µs PostgreSQL"),
        *((label, *_cells(runs)) for label, runs in measured.runs.items()),
    ]
    return _aligned(rows)


def goals(measured: Sequence[Measured]) -> str:
    """Return the table of all ratios and their goals."""
    rows: list[Row] = [("ratio", "against", "goal", "measured", "reached")]
    for workload in measured:
        for goal in workload.workload.goals:
            ratio, least, most = workload.ratio(goal)
            rows.append(
                (
                    f"{workload.workload.name}: {goal.part}",
                    goal.against,
                    f"{goal.ratio_min:g}" if goal.ratio_min else "",
                    f"{ratio:.2f} ({least:.2f}-{most:.2f})",
                    ("yes" if ratio >= goal.ratio_min else "no") if goal.ratio_min else "",
                )
            )
    return _aligned(rows)


def memory_line(peak_bytes: int | None) -> str:
    """Return a sentence about the server process's memory, or nothing if it is unknown."""
    return f"The server process had at most {peak_bytes / 2**20:.0f} MiB." if peak_bytes else ""


def keep(measured: Sequence[Measured], *, seconds: int, peak_bytes: int | None) -> Path:
    """Write all runs to a file under `bench/results`, named by time and commit: rates per second, CPU in seconds."""
    at, commit = datetime.now(UTC), _git("rev-parse", "HEAD")
    figures: dict[str, Any] = {
        "at": at.isoformat(timespec="seconds"),
        "commit": commit,
        "changed": bool(_git("status", "--porcelain")),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "seconds": seconds,
        "server_memory_peak_bytes": peak_bytes,
        "workloads": {workload.workload.name: _runs(workload) for workload in measured},
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{at:%Y%m%d-%H%M}-{(commit or 'unknown')[:COMMIT_CHARS]}.json"
    path.write_text(json.dumps(figures, indent=1) + "\n")
    return path


def _runs(measured: Measured) -> dict[str, Any]:
    return {
        "runs": {
            part: [{**asdict(run.figures), "cpu_seconds": run.cpu._asdict() if run.cpu else None} for run in runs]
            for part, runs in measured.runs.items()
        },
        "ratios": [{**asdict(goal), "ratio": measured.ratio(goal)[0]} for goal in measured.workload.goals],
    }


def _cells(runs: Sequence[Run]) -> Row:
    all_figures = [run.figures for run in runs]
    mean = [figures.mean_ms for figures in all_figures if figures.mean_ms is not None]
    return (
        _spread((figures.per_second for figures in all_figures), ",.0f"),
        f"{_spread(mean, '.1f')} mean" if mean else _spread((figures.p50_ms for figures in all_figures), ".1f"),
        _spread((figures.p99_ms for figures in all_figures), ".1f"),
        _cpu_us(run.cpu.server / run.figures.done for run in runs if run.cpu),
        _cpu_us(run.cpu.postgres / run.figures.done for run in runs if run.cpu),
    )


def _spread(values: Iterable[float | None], form: str) -> str:
    known = [value for value in values if value is not None]
    return f"{median(known):{form}} ({min(known):{form}}-{max(known):{form}})" if known else ""


def _cpu_us(seconds: Iterable[float]) -> str:
    values = list(seconds)
    return f"{median(values) * 1e6:.0f}" if values else "-"


def _aligned(rows: list[Row]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    lines = [f"| {' | '.join(row)} |" for row in padded]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _git(*arguments: str) -> str | None:
    done = subprocess.run(["git", *arguments], check=False, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None
