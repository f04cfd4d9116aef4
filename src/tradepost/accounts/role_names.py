"""What the roles of staff are called, for those who are asked before Django is set up."""

from tradepost.engine.enums import TextEnum


class RoleName(TextEnum):
    """A role."""

    OWNER = "owner"
    MANAGER = "manager"
    SUPPORT = "support"
    FULFILLER = "fulfiller"
