"""Static files: collected once per version into the home folder, with hashed names, and compressed.

The address of a file changes with its content, so browsers may keep it for years.
"""

import fcntl
import hashlib
import shutil
from pathlib import Path
from typing import Any

import brotli
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.files.storage import Storage
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

BROTLI_QUALITY = 9
BROTLI_QUALITY_MAX = 11  # a tenth smaller for ten times the work: for the few files that weigh most
LARGE_BYTES = 150_000
# What the packages contain and no page asks for.
UNUSED = [
    "*.map",
    "css/*",  # Bootstrap: the panel has its own excerpt, made by scripts/assets
    "js/*",
    "django_htmx/ext/*",
    "django_htmx/htm*-4*",
    "django_htmx/htmx-2.js",
    "unfold/js/jedison/*",
    "unfold/fonts/inter/*.woff2",  # so has Inter
    "admin/js/vendor/jquery/jquery.js",
    "admin/js/vendor/xregexp/xregexp.js",
]


class _QuickCompressor(Compressor):  # type: ignore[misc] # whitenoise comes without types
    @staticmethod
    def compress_brotli(data: bytes) -> bytes:
        return bytes(brotli.compress(data, quality=BROTLI_QUALITY_MAX if len(data) > LARGE_BYTES else BROTLI_QUALITY))


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc] # whitenoise comes without types
    """Files under hashed names, each of them also compressed by brotli and by gzip."""

    keep_only_hashed_files = True
    # Django's own patterns without those for source maps, which are not served.
    patterns = (("*.css", (r"(?P<matched>url\((?P<quote>['\"]{0,1})\s*(?P<url>.*?)(?P=quote)\))",)),)

    def create_compressor(self, **options: Any) -> Compressor:
        return _QuickCompressor(**options)


def collect() -> None:
    """Collect the static files into `STATIC_ROOT`, unless those of this version are there already."""
    folder = Path(settings.STATIC_ROOT)
    done = folder.with_name("static.fingerprint")
    files = _files()
    fingerprint = _fingerprint(files)
    with folder.with_name("static.lock").open("w") as lock:  # several processes may start at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists() and done.exists() and done.read_text() == fingerprint:
            return
        done.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        _write(HashedStaticFiles(location=folder, base_url=settings.STATIC_URL), files)
        done.write_text(fingerprint)


def _files() -> dict[str, Storage]:
    """Return the names of all files that pages may ask for. The first app that has a name wins."""
    files: dict[str, Storage] = {}
    for finder in finders.get_finders():
        for name, storage in finder.list(UNUSED):
            files.setdefault(name, storage)
    return files


def _fingerprint(files: dict[str, Storage]) -> str:
    """Return what changes with any file, without reading the files."""
    found = hashlib.sha256(repr((BROTLI_QUALITY, UNUSED)).encode())
    for name, storage in sorted(files.items()):
        stat = Path(storage.path(name)).stat()
        found.update(f"{storage.path(name)} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return found.hexdigest()


def _write(target: HashedStaticFiles, files: dict[str, Storage]) -> None:
    for name, storage in files.items():
        with storage.open(name) as file:
            target.save(name, file)
    for _, _, processed in target.post_process({name: (storage, name) for name, storage in files.items()}):
        if isinstance(processed, Exception):
            raise processed
