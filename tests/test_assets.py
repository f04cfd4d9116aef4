"""The excerpts of Bootstrap, Inter and the icons have all that pages use (`scripts/assets` makes them)."""

import hashlib

from fontTools.ttLib import TTFont

from tests import assets


def test_the_panels_bootstrap_has_every_class_that_pages_use() -> None:
    for source, excerpt in assets.STYLES.items():
        needed = set(assets.classes(assets.bootstrap_excerpt(source)))
        assert needed - set(assets.classes((assets.PANEL_STATIC / excerpt).read_text())) == set(), excerpt


def test_the_icons_that_pages_show_are_in_their_font() -> None:
    assert assets.used_icons() - set(TTFont(assets.ICON_FONT).getGlyphOrder()) == set()


def test_the_fonts_have_the_letters_of_all_languages() -> None:
    for text, letters in (("Añadir fondos: ¿cuánto? 1,000 × 0.90 €", "latin"), ("Пополнить баланс №", "cyrillic")):
        for weight in assets.WEIGHTS:
            font = TTFont(assets.PANEL_STATIC / "fonts" / f"inter-{weight}-{letters}.woff2")
            missing = {letter for letter in text if ord(letter) not in font.getBestCmap() and letter != " "}
            assert missing == set(), font


def test_the_colours_are_those_of_the_settings() -> None:
    assert assets.THEME.read_text() == assets.theme()


def test_alpine_is_the_file_of_its_package() -> None:
    assert hashlib.sha256(assets.ALPINE.read_bytes()).hexdigest() == assets.ALPINE_SHA256
