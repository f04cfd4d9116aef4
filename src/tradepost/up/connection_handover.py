"""Connections that begin with a page go to the pages' own process, with what has been read of them (decision 50).

They go over a pair of sockets, as the kernel lets processes of one machine do: the client notices nothing.
"""

import socket

DATA_BYTES_MAX = 256 * 1024  # more than one read of a connection brings


def pair() -> tuple[socket.socket, socket.socket]:
    """Return the end that connections are given to and the end that they are taken from; neither ever blocks."""
    giving, taking = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    giving.setblocking(False)
    taking.setblocking(False)
    return giving, taking


def give(end: socket.socket, connection: int, said: bytes) -> bool:
    """Give a connection away, by its file number, with what its client has said; False if it can't be done now."""
    try:
        socket.send_fds(end, [said], [connection])
    except OSError:  # too many wait to be taken, or too much was said at once
        return False
    return True


def take(end: socket.socket) -> tuple[socket.socket, bytes] | None:
    """Take the next connection, with what its client has said; None if another process was quicker."""
    try:
        said, connections, _, _ = socket.recv_fds(end, DATA_BYTES_MAX, 1)
    except BlockingIOError:
        return None
    return socket.socket(fileno=connections[0]), said
