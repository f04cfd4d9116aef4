"""The documentation says what there is, or this fails."""

import re
from functools import cache
from pathlib import Path

import pytest
from typer.main import get_command

from tradepost.api.openapi import markdown
from tradepost.api.openapi.actions import ACTIONS
from tradepost.cli import app
from tradepost.config import environment
from tradepost.engine.errors import Refusal

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
API = (ROOT / "docs" / "api-v2.md").read_text()
DOCUMENTS = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "client/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
)
SOURCES = [path for folder in ("src", "tests", "client", "scripts") for path in sorted((ROOT / folder).rglob("*.py"))]
BASES = (ROOT, ROOT / "src" / "tradepost")  # what paths in documents are relative to

_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_PATH = re.compile(r"[\w.*…/-]*\w/?")
_IS_FILE = re.compile(r"\.(css|html|http|js|lock|lua|md|po|py|sh|sql|toml)$")


@pytest.mark.parametrize("refusal", Refusal.__subclasses__())
def test_every_error_is_documented(refusal: type[Refusal]) -> None:
    assert f"| `{refusal.text}` |" in API


def test_types_and_parameters_of_orders_are_documented_as_they_are_read() -> None:
    assert markdown.types_table() in API
    assert markdown.parameters_table() in API


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_is_documented(action: str) -> None:
    assert f"| `{action}` |" in API


@pytest.mark.parametrize(
    "variable", sorted(set(re.findall(r"`((?:TRADEPOST_|DATABASE_)[A-Z_]+)`", str(environment.__doc__))))
)
def test_every_setting_is_documented(variable: str) -> None:
    assert f"| `{variable}` |" in README


def test_every_variable_that_is_read_is_a_documented_setting() -> None:
    read = set(re.findall(r'environ\.get\("([A-Z_]+)"', Path(str(environment.__file__)).read_text()))
    assert read == set(re.findall(r"`((?:TRADEPOST_|DATABASE_)[A-Z_]+)`", str(environment.__doc__)))


def test_every_command_is_documented() -> None:
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        assert re.search(rf"`?(tradepost )?{name}\b", README), name
        for below in getattr(command, "commands", {}):
            assert below in README, f"{name} {below}"


def test_every_metric_is_documented() -> None:
    from tradepost.fulfilment.metrics import FulfilmentCollector, SignInCollector
    from tradepost.orders.backlog import WorkerStatus

    text = (ROOT / "docs" / "providers.md").read_text()
    fulfilment = FulfilmentCollector([], WorkerStatus(0, 0, 0, 0, None), 0)
    for metric in (*fulfilment.collect(), *SignInCollector({}).collect()):
        assert f"`{metric.name}" in text, metric.name


def test_every_task_has_a_name_of_its_own_and_is_documented() -> None:
    from procrastinate.contrib.django import app

    app.perform_import_paths()  # type: ignore[no-untyped-call]
    ours = {name for name, task in app.tasks.items() if task.func.__module__.startswith("tradepost.")}
    text = (ROOT / "docs" / "fulfilment.md").read_text()
    assert ours == set(re.findall(r"^\| `(\w+\.\w+)` \|", text, re.MULTILINE))


def paths_in(document: str) -> list[str]:
    """Return the paths in the inline code of a document: they end in a slash or as files do, or begin with a folder."""
    words = [word for code in _CODE.findall(_FENCED.sub("", document)) for word in code.split()]
    return [word for word in words if _PATH.fullmatch(word) and not word.startswith("/") and _is_path(word)]


def _is_path(word: str) -> bool:
    first, slash, rest = word.partition("/")
    return bool(_IS_FILE.search(word)) or bool(slash and (not rest or any((base / first).is_dir() for base in BASES)))


def exists(path: str) -> bool:
    """Whether a path leads to a file or folder; a bare file name needs a file of this name somewhere."""
    if "/" not in path:
        return path in _file_names() or any(any(base.glob(path)) for base in BASES)
    return any(any(base.glob(path)) for base in BASES)


@cache
def _file_names() -> frozenset[str]:
    folders = ("src", "tests", "client", "docs", "scripts", *(path.name for path in ROOT.glob("[a-z]*/")))
    return frozenset(path.name for folder in folders for path in (ROOT / folder).rglob("*.*"))


def slugs_of(document: str) -> set[str]:
    """Return what links to the headings of a document end in, as GitHub makes it."""
    headings = re.findall(r"^#+ (.+)$", _FENCED.sub("", document), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def missing_in(path: Path) -> list[str]:
    """Return the links and paths of a document that lead nowhere, and phrases for texts outside the project."""
    text = path.read_text()
    missing = [each for each in paths_in(text) if not exists(each)]
    missing += [phrase for phrase in ("design §", "shared/") if phrase in text]
    for link in _LINK.findall(text):
        if "://" in link:
            continue
        name, _, heading = link.partition("#")
        target = path.parent / name if name else path
        if not target.exists() or (heading and heading not in slugs_of(target.read_text())):
            missing.append(link)
    return missing


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_path_and_link_in_a_document_leads_somewhere(path: Path) -> None:
    assert not missing_in(path)


def test_a_document_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text(
        "# Two planes\n`engine/ledger.py` `tests/wire/*.http` `test_docs.py` `orders/` `text/plain` `/api/v2`\n"
        "[a](#two-planes) `engine/nowhere.py` `staff/` `tests/nowhere` `nowhere.py` [b](nowhere.md) [c](#three-planes)"
        " design § 2"
    )
    nowhere = ["engine/nowhere.py", "staff/", "tests/nowhere", "nowhere.py", "design §", "nowhere.md", "#three-planes"]
    assert missing_in(document) == nowhere


def test_every_decision_is_in_the_index_by_its_number_and_title() -> None:
    folder = ROOT / "docs" / "decisions"
    titles = {path.name: path.read_text().partition("\n")[0].removeprefix("# ") for path in folder.glob("0*.md")}
    rows = re.findall(r"^\| \[(\d+)\]\((.+?)\) \| (.+?) \|", (folder / "README.md").read_text(), re.MULTILINE)
    assert titles == {name: f"{number}. {title}" for number, name, title in rows}


def test_every_page_and_section_that_code_refers_to_exists() -> None:
    pages = {path.relative_to(ROOT).as_posix(): path.read_text() for path in DOCUMENTS}
    decisions = {int(path.name[:4]) for path in (ROOT / "docs" / "decisions").glob("0*.md")}
    headings = {heading.lower() for heading in re.findall(r"^## (.+)$", pages["docs/architecture.md"], re.MULTILINE)}
    sections = re.findall(r"^## (§\d)", pages["docs/protocol.md"], re.MULTILINE)
    for source in SOURCES:
        text = source.read_text()
        told = {page for page in re.findall(r"\bdocs/[\w/-]+\.md\b", text) if page not in pages}
        told |= {section for section in re.findall(r"§\d", text) if section not in sections}
        told |= {number for number in re.findall(r"\(decisions? (\d+)", text) if int(number) not in decisions}
        told |= set(re.findall(r"docs/architecture\.md, ([a-z ]+)", text)) - headings
        assert not told, source


def test_every_migration_is_made() -> None:
    from django.core.management import call_command

    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_django_finds_nothing_wrong_with_models_and_pages() -> None:
    from django.core.management import call_command

    call_command("check", fail_level="WARNING")
