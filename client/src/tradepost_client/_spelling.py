"""What the spellings of a word have in common: `In progress`, `in_progress`, `InProgress`."""


def letters_and_digits(text: str) -> str:
    """Return the letters and digits of a text, in lower case."""
    return "".join(char for char in text.lower() if char.isalnum())
