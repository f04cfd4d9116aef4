"""What was measured: tables to read, one JSON file to keep."""

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

from bench.figures import Run
from bench.workload import Goal, Workload

RESULTS = Path(__file__).parent / "results"
COMMIT_CHARS = 10

type Row = tuple[str, ...]


@dataclass
class Measured:
    """A workload, and the runs of each of its parts so far."""

    workload: Workload
    runs: dict[str, list[Run]] = field(init=False)

    def __post_init__(self) -> None:
        self.runs = {part.label: [] for part in self.workload.parts}

    def per_second(self, part: str) -> list[float]:
        """Return a part's rates, round by round."""
        return [run.figures.per_second for run in self.runs[part]]

    def ratio(self, goal: Goal) -> tuple[float, float, float]:
        """Return the ratio of the medians, and the smallest and largest of the rounds' own."""
        ours, theirs = self.per_second(goal.part), self.per_second(goal.against)
        ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
        return median(ours) / median(theirs), min(ratios), max(ratios)


def line(measured: Measured) -> str:
    """Return the last round of a workload in a few words."""
    first = measured.workload.goals[0]
    ours, theirs = measured.per_second(first.part)[-1], measured.per_second(first.against)[-1]
    return f"{measured.workload.name} {ours:,.0f}/s ({ours / theirs:.2f} ×)"


def table(measured: Measured) -> str:
    """Return a workload's table: medians over the rounds, in brackets the smallest and the largest."""
    workload = measured.workload
    rows: list[Row] = [
        (workload.name, f"{workload.unit}/s", "p50 ms", "p99 ms", "CPU µs server", "CPU µs PostgreSQL"),
        *((label, *_cells(runs)) for label, runs in measured.runs.items()),
    ]
    return _aligned(rows)


def goals(measured: Sequence[Measured]) -> str:
    """Return the table of all ratios, beside their goals."""
    rows: list[Row] = [("ratio", "against", "goal", "measured", "reached")]
    for each in measured:
        for goal in each.workload.goals:
            ratio, least, most = each.ratio(goal)
            wanted = goal.ratio_min
            rows.append(
                (
                    f"{each.workload.name}: {goal.part}",
                    goal.against,
                    f"{wanted:g}" if wanted else "",
                    f"{ratio:.2f} ({least:.2f}-{most:.2f})",
                    ("yes" if ratio >= wanted else "no") if wanted else "",
                )
            )
    return _aligned(rows)


def memory_line(peak_bytes: int | None) -> str:
    """Say how much memory the server process has had at most."""
    return f"The server process had at most {peak_bytes / 2**20:.0f} MiB." if peak_bytes else ""


def keep(measured: Sequence[Measured], *, seconds: int, peak_bytes: int | None) -> Path:
    """Write every run's figures under `bench/results`, named by time and commit: rates per second, CPU in seconds."""
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
        "workloads": {each.workload.name: _runs(each) for each in measured},
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
    mean = [each.mean_ms for each in all_figures if each.mean_ms is not None]
    return (
        _spread((each.per_second for each in all_figures), ",.0f"),
        f"{_spread(mean, '.1f')} mean" if mean else _spread((each.p50_ms for each in all_figures), ".1f"),
        _spread((each.p99_ms for each in all_figures), ".1f"),
        _cpu_us(run.cpu.server / run.figures.done for run in runs if run.cpu),
        _cpu_us(run.cpu.postgres / run.figures.done for run in runs if run.cpu),
    )


def _spread(values: Iterable[float | None], form: str) -> str:
    told = [value for value in values if value is not None]
    return f"{median(told):{form}} ({min(told):{form}}-{max(told):{form}})" if told else ""


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
