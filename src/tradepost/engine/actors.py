"""The actor that records of orders and money name, cut to the length of their column.

A name can be an e-mail address, which may be longer. A long name must never stop an order or a transfer.
"""

ACTOR_CHARS_MAX = 80


def actor_label(actor: str) -> str:
    return actor[:ACTOR_CHARS_MAX]
