"""Pages on which nobody can add, change or delete anything."""

from typing import Any

from django.http import HttpRequest


class ReadOnlyMixin:
    """Makes a `ModelAdmin` or an inline read-only: users who may view the rows can do nothing else."""

    extra = 0
    show_add_link = False
    show_title = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: only the engine writes these rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: only the engine changes these rows."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: the database would refuse it too."""
        return False
