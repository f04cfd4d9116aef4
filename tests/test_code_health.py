"""The code stays small and used: limits on files and functions, and nothing that only tests would miss."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import vulture

ROOT = Path(__file__).parents[1]
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 40
# Called by name, by Django, Unfold, procrastinate or typer.
DECORATED = [
    "@register*",
    "@admin.*",
    "@app.*",
    "@library.*",
    "@dialog_button*",
    "@link_button*",
    "@*.command*",
]
TABLES = re.compile(r"(apps|models)\.py$")  # Django finds these classes by itself


def tracked(*patterns: str) -> list[Path]:
    """Return the files of the repository that match, or those of the folder where there is no git."""
    try:
        listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return [path for pattern in patterns for path in ROOT.rglob(pattern) if ".venv" not in path.parts]
    return [ROOT / line for line in listed.stdout.splitlines()]


def python_files() -> list[Path]:
    """Return all Python code but migrations, which Django makes."""
    return [path for path in tracked("*.py") if "migrations" not in path.parts]


def test_no_file_is_longer_than_a_person_reads_at_once() -> None:
    lengths = {str(path.relative_to(ROOT)): path.read_text().count("\n") for path in python_files()}
    assert {path: lines for path, lines in lengths.items() if lines > FILE_LINES_MAX} == {}


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the name and the number of lines of each function of a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno
            yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


@pytest.mark.parametrize(("folder", "lines_max"), [("src", FUNCTION_LINES_MAX), ("client/src", FUNCTION_LINES_MAX)])
def test_no_function_is_longer_than_a_screen(folder: str, lines_max: int) -> None:
    found = [each for path in python_files() if path.is_relative_to(ROOT / folder) for each in functions(path)]
    assert found, "the folder has moved"
    assert [(name, lines) for name, lines in found if lines > lines_max] == []


def test_no_function_or_class_is_there_for_tests_only() -> None:
    """What the code's syntax does not use may still be named in a template, a setting or a string."""
    code = vulture.Vulture(ignore_decorators=DECORATED)
    code.scavenge([ROOT / "src" / "tradepost", ROOT / "client" / "src"], exclude=["*/migrations/*"])
    texts = [path.read_text() for path in tracked("src/*.py", "src/*.html", "client/src/*.py", "pyproject.toml")]
    unused = [
        f"{item.filename}:{item.first_lineno} {item.name}"
        for item in code.get_unused_code()
        if item.typ in {"function", "class"}
        and not TABLES.search(str(item.filename))
        and not str(item.name).startswith("__")
        and sum(len(re.findall(rf"\b{re.escape(str(item.name))}\b", text)) for text in texts) == 1
    ]
    assert unused == []


def test_the_back_offices_numbers_and_times_are_written_by_formats() -> None:
    """Names of files and cells of CSV are for programs; the values of date fields have the form that HTML demands."""
    by_hand = re.compile(r":,(\.\d+f)?\}|:\.\d+%\}|strftime\(|:%[a-zA-Z]|\|date\b|\|timesince|\|floatformat|\|intcomma")
    allowed = re.compile(r"csv_export|%Y-%m-%d\}\.\{kind|date:\"Y-m-d\"")
    pages = tracked("src/tradepost/backoffice/*.py", "src/tradepost/backoffice/*.html")
    assert pages, "the folder has moved"
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in pages
        for line in path.read_text().splitlines()
        if by_hand.search(line) and not allowed.search(f"{path.name} {line}")
    ]
    assert found == []
