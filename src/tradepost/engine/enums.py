"""The base of the enumerations whose values are stored as they are written."""

from enum import StrEnum


class TextEnum(StrEnum):
    """A closed list of words, in the forms that models ask for."""

    @property
    def label(self) -> str:
        """How people read it; the word itself unless the list says otherwise."""
        return self.value

    @classmethod
    def values(cls) -> list[str]:
        """Return the words, plain, so that a migration holds no reference to the code."""
        return [word.value for word in cls]

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        """Return each word with its label."""
        return [(word.value, word.label) for word in cls]
