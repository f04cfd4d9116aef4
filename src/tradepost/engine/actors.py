"""How what is done is signed: with the name of whoever does it, cut to what the records hold.

An e-mail address may be longer than that. What moves orders and money is never refused for its signature.
"""

ACTOR_CHARS_MAX = 80


def actor_label(actor: str) -> str:
    """Return a name as the records hold it."""
    return actor[:ACTOR_CHARS_MAX]
