"""Texts: every English text has a Spanish and a Russian translation, and pages can be written from right to left."""

import re
from pathlib import Path

import polib
import pytest
from django.test import override_settings

from tests.conftest import Customer
from tests.panel.conftest import browser, page
from tradepost.accounts.languages import LANGUAGES
from tradepost.accounts.models import Account

PANEL = Path(__file__).parents[2] / "src" / "tradepost" / "panel"
TRANSLATED = [code for code, _name in LANGUAGES if code != "en"]


def texts(language: str) -> polib.POFile:
    return polib.pofile(str(PANEL / "locale" / language / "LC_MESSAGES" / "django.po"))


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated(language: str) -> None:
    assert [entry.msgid for entry in texts(language) if not entry.translated()] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_what_is_compiled_is_what_is_written(language: str) -> None:
    compiled = polib.mofile(str(PANEL / "locale" / language / "LC_MESSAGES" / "django.mo"))
    written = {(entry.msgctxt, entry.msgid, entry.msgstr, str(entry.msgstr_plural)) for entry in texts(language)}
    assert {(entry.msgctxt, entry.msgid, entry.msgstr, str(entry.msgstr_plural)) for entry in compiled} == written


def test_every_text_of_the_templates_is_gathered() -> None:
    gathered = {entry.msgid for entry in texts("es")}
    for template in (PANEL / "templates").rglob("*.html"):
        for text in re.findall(r"""\{% translate (?:"([^"]+)"|'([^']+)')""", template.read_text()):
            assert (text[0] or text[1]) in gathered, (template.name, text)


@pytest.mark.parametrize(("language", "word"), [("en", "Overview"), ("es", "Resumen"), ("ru", "Обзор")])
def test_a_page_comes_in_the_browsers_language_or_the_accounts(language: str, word: str, alice: Customer) -> None:
    client = browser(alice)
    assert f"<h1>{word}</h1>" in page(client, "/dashboard/", headers={"accept-language": language})
    Account.objects.filter(pk=alice.id).update(language=language)
    assert f"<h1>{word}</h1>" in page(client, "/dashboard/", headers={"accept-language": "fr"})


def test_a_page_may_be_written_from_right_to_left(alice: Customer) -> None:
    with override_settings(LANGUAGES=[("ar", "العربية")]):
        text = page(browser(alice), "/dashboard/", headers={"accept-language": "ar"})
    assert 'dir="rtl"' in text
    assert "/bootstrap.rtl." in text
