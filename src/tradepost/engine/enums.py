"""The base of enumerations whose values are stored in the database as they are."""

from enum import StrEnum


class TextEnum(StrEnum):
    """An enumeration of words, with the forms that Django models need."""

    @property
    def label(self) -> str:
        """The text for people: the value, unless a subclass overrides this."""
        return self.value

    @classmethod
    def values(cls) -> list[str]:
        """Return the values as plain strings, so that a migration does not refer to this code."""
        return [word.value for word in cls]

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        """Return pairs of value and label."""
        return [(word.value, word.label) for word in cls]
