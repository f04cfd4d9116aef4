"""What the roles of staff are called, for those who are asked before Django is set up."""

from tradepost.engine.words import Words


class RoleName(Words):
    """A role."""

    OWNER = "owner"
    MANAGER = "manager"
    SUPPORT = "support"
    FULFILLER = "fulfiller"
