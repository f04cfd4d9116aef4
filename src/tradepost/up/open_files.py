"""How many files, and so connections, a process may have open."""

import resource
import sys


def raise_limit() -> int:
    """Raise this process's limit of open files as far as the system allows, and return it.

    The usual limit is 1,024, and that many clients which stay connected would keep all others out.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):  # macOS says that there is no limit, and refuses that
        return soft
    return hard if hard != resource.RLIM_INFINITY else sys.maxsize
