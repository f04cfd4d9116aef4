"""What staff did to many rows at once, written into each one's history in one statement."""

from collections.abc import Mapping

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import HttpRequest

REPR_CHARS_MAX = 200


def log_changes(request: HttpRequest, told: Mapping[Model, str], *, flag: int = CHANGE) -> None:
    """Write what was done to each of these rows, which are of one model."""
    rows = list(told)
    if not rows:
        return
    assert request.user.pk, "nobody gets here without signing in"
    content_type = ContentType.objects.get_for_model(type(rows[0])).pk
    LogEntry.objects.bulk_create(
        LogEntry(
            user_id=request.user.pk,
            content_type_id=content_type,
            object_id=str(row.pk),
            object_repr=str(row)[:REPR_CHARS_MAX],
            action_flag=flag,
            change_message=text,
        )
        for row, text in told.items()
    )
