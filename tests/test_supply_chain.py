"""What a desk is made of: no build tools where it runs, advisories that are found, and an SBOM with everything."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests import sbom
from tests.advisories import LOCKS, Outcome, audit

ROOT = Path(__file__).parent.parent
BUILD_TOOLS = {"editables", "hatchling", "pip", "setuptools", "trove-classifiers", "uv", "wheel"}
PIN = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)
A_HASH = "sha256:" + "0" * 64


def _pins(lock: str) -> set[tuple[str, str]]:
    return {(name, number) for name, number in PIN.findall((ROOT / lock).read_text())}


@contextmanager
def _osv(answers: dict[str, list[str]], status: int = 200) -> Iterator[str]:
    """Run a server that speaks OSV's protocol, and yield its address. `answers` has the advisories of packages."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            package = asked["package"]["name"]
            vulns = [
                {"id": advisory, "affected": [{"package": {"name": package, "ecosystem": "PyPI"}, "ranges": []}]}
                for advisory in answers.get(package, [])
            ]
            body = json.dumps({"vulns": vulns} if vulns else {}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1/query"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """A lock file with two packages."""
    path = tmp_path / "requirements.lock"
    path.write_text(f"django==6.1.3 --hash={A_HASH}\nsqlparse==0.6.1 --hash={A_HASH}\n")
    return path


def test_what_runs_a_desk_has_no_build_tools() -> None:
    assert not {name for name, _ in _pins("requirements.lock")} & BUILD_TOOLS
    assert {"hatchling", "uv"} <= {name for name, _ in _pins("requirements-build.lock")}


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_pinned_by_its_hashes_and_no_index_is_named(name: str) -> None:
    text = (ROOT / name).read_text()
    requirements = re.sub(r"\\\n\s+", "", text).splitlines()
    assert requirements
    assert all("--hash=sha256:" in line for line in requirements)
    assert "://" not in text


def test_packages_without_advisories_pass(lock: Path) -> None:
    with _osv({}) as url:
        assert audit([lock], osv_url=url)[0] is Outcome.CLEAN


def test_a_published_advisory_is_found(lock: Path) -> None:
    with _osv({"sqlparse": ["GHSA-test-test-test"]}) as url:
        outcome, printed = audit([lock], osv_url=url)
    assert outcome is Outcome.FOUND
    assert "GHSA-test-test-test" in printed
    assert "sqlparse" in printed


def test_an_audit_that_reaches_nobody_says_so(lock: Path) -> None:
    with _osv({}) as url:
        pass
    assert audit([lock], osv_url=url)[0] is Outcome.NOT_DONE


@pytest.mark.parametrize(
    ("status", "outcome"), [(403, Outcome.NOT_DONE), (502, Outcome.NOT_DONE), (400, Outcome.FOUND)]
)
def test_a_gateway_that_lets_nothing_through_is_nobody(lock: Path, status: int, outcome: Outcome) -> None:
    with _osv({}, status) as url:
        assert audit([lock], osv_url=url)[0] is outcome


def test_an_audit_that_fails_does_not_pass(tmp_path: Path) -> None:
    assert audit([tmp_path / "missing.lock"])[0] is Outcome.FOUND


def test_the_sbom_lists_every_package_and_what_is_inside_others() -> None:
    document = sbom.sbom()
    components = {(each["name"], each["version"]) for each in document["components"]}
    assert _pins("requirements.lock") <= components
    assert {"@alpinejs/csp", "postgresql"} <= {name for name, _ in components}
    assert document["metadata"]["component"]["name"] == "tradepost"
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document)) is None
