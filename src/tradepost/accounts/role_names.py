"""The names of staff roles, in a module that can be imported before Django is set up (by the command line)."""

from tradepost.engine.enums import TextEnum


class RoleName(TextEnum):
    OWNER = "owner"
    MANAGER = "manager"
    SUPPORT = "support"
    FULFILLER = "fulfiller"
