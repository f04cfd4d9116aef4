"""Texts from providers' lists that were stored with HTML entities (`Real &amp; Active`) become plain text.

The client unescapes what it reads, so a sync would write most of them, too; but not the texts of services that do not
follow their provider, and nothing of providers that are paused. Of our own services a text changes if it follows the
provider's, or still is the provider's escaped one. What was typed by staff stays.
"""

import html
import re
from html.entities import html5
from typing import Any

from django.db import migrations

ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});", re.ASCII)
TEXTS = ("name", "category", "description", "average_time")
FOLLOWED = ("name", "description")
NAME_CHARS_MAX = 300
CATEGORY_CHARS_MAX = 200


def character(entity: re.Match[str]) -> str:
    name = entity[0][1:]
    if name[0] != "#" and name not in html5:
        return entity[0]
    return html.unescape(entity[0]).replace("\u00a0", " ").replace("\x00", "")


def unescape(text: str) -> str:
    for _ in range(3):  # some panels escape twice
        text = ENTITY.sub(character, text)
    return text.encode(errors="ignore").decode().strip()


def unescape_texts(apps: Any, _: Any) -> None:
    model = apps.get_model("providers", "ProviderService")
    categories: dict[str, str] = {}
    for offer in model.objects.filter(pk__in=_with_entities(model)).iterator():
        before = {text: getattr(offer, text) for text in TEXTS}
        after = {text: unescape(value) or value for text, value in before.items()}
        if after == before:
            continue
        _unescape_services(apps, offer, before)
        categories[before["category"][:CATEGORY_CHARS_MAX]] = after["category"][:CATEGORY_CHARS_MAX]
        model.objects.filter(pk=offer.pk).update(**after)
    _rename_categories(apps, categories)


def _with_entities(model: Any) -> list[int]:
    """Return the ids of the rows with an ampersand and a semicolon, which are few, instead of reading every text."""
    found: set[int] = set()
    for text in TEXTS:
        found.update(model.objects.filter(**{f"{text}__regex": "&[^;]+;"}).values_list("pk", flat=True))
    return sorted(found)


def _unescape_services(apps: Any, offer: Any, before: dict[str, str]) -> None:
    services = apps.get_model("catalog", "Service").objects
    for route in apps.get_model("providers", "Route").objects.filter(provider_service=offer):
        service = services.get(pk=route.service_id)
        changes = {}
        for text in FOLLOWED:
            now = getattr(service, text)
            is_theirs = text in route.follows or now in {before[text], before[text][:NAME_CHARS_MAX]}
            if is_theirs and unescape(now) not in {now, ""}:
                changes[text] = unescape(now)
        if changes:
            services.filter(pk=service.pk).update(**changes)


def _rename_categories(apps: Any, names: dict[str, str]) -> None:
    """Rename our categories that were made with an escaped name, unless the plain name is taken."""
    categories = apps.get_model("catalog", "Category").objects
    for before, after in names.items():
        if after and after != before and not categories.filter(name=after).exists():
            categories.filter(name=before).update(name=after)


class Migration(migrations.Migration):
    dependencies = [("providers", "0003_refusals"), ("catalog", "0002_rules")]
    operations = [migrations.RunPython(unescape_texts, migrations.RunPython.noop)]
