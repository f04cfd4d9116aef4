"""What the supervisor starts: `serve PIPE SOCKET` or `work PIPE`, both file descriptors that the process inherits."""

import os
import signal
import socket
import sys
import threading


def _stop_when_orphaned(pipe: int) -> None:
    """Stop like on SIGTERM once the supervisor, the pipe's only writer, is gone."""

    def watch() -> None:
        os.read(pipe, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="supervisor watch", daemon=True).start()


def main(role: str, pipe: str, *sockets: str) -> None:
    """Run one process of the desk."""
    _stop_when_orphaned(int(pipe))
    if role == "serve":
        from tradepost.up.server import serve  # noqa: PLC0415 - each process imports only what it runs

        serve(socket.socket(fileno=int(sockets[0])))
    else:
        from tradepost.up.worker import work  # noqa: PLC0415

        work()


main(*sys.argv[1:])
