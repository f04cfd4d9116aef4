"""What the back office only ever shows: no form of it adds, changes or deletes."""

from typing import Any

from django.http import HttpRequest


class ReadOnlyMixin:
    """Put before a `ModelAdmin` or an inline: whoever may view may look, and nobody may do more."""

    extra = 0
    show_add_link = False
    show_title = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody may: the engine writes these rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody may: the engine moves these rows."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody may: the database would refuse it too."""
        return False
