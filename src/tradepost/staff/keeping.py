"""What a desk is held to after each change of its schema, and at each start: its roles, and what the log watches."""

from typing import Any

from tradepost.staff import roles, watched


def keep(**_: Any) -> None:
    """Bring both up to date; also a receiver of `post_migrate`."""
    roles.keep()
    watched.keep()
