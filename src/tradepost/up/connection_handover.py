"""Hand connections that begin with a page over to the pages' own process, with the bytes read so far (decision 50).

The kernel passes the connections over a pair of Unix sockets (SCM_RIGHTS), so the client notices nothing.
"""

import socket

DATA_BYTES_MAX = 256 * 1024  # more than a server reads from a connection at once


def pair() -> tuple[socket.socket, socket.socket]:
    """Return the socket to `give` connections to and the socket to `take` them from. Neither of them blocks."""
    giving, taking = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    giving.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, DATA_BYTES_MAX)  # else the first bytes may be too many
    giving.setblocking(False)
    taking.setblocking(False)
    return giving, taking


def give(end: socket.socket, connection: int, received: bytes) -> bool:
    """Hand over a connection (a file descriptor), with the bytes received from its client. Return False on failure."""
    try:
        socket.send_fds(end, [received], [connection])
    except OSError:  # too many connections wait to be taken, or too many bytes were received at once
        return False
    return True


def take(end: socket.socket) -> tuple[socket.socket, bytes] | None:
    """Take the next connection, with the bytes received from its client. Return None if none waits any more."""
    try:
        received, connections, _, _ = socket.recv_fds(end, DATA_BYTES_MAX, 1)
    except BlockingIOError:
        return None
    return socket.socket(fileno=connections[0]), received
