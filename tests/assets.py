"""Makes what pages load of other projects: excerpts of Bootstrap, Inter and Material Symbols, Alpine, Unfold's colours.

What no page uses is not sent. `scripts/assets` runs this; `tests/test_assets.py` finds what an excerpt lacks.
"""

import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import allauth
import django_include_bootstrap
import unfold
from django.conf import settings
from fontTools import subset
from fontTools.ttLib import TTFont

import tradepost
from tradepost.backoffice.navigation import UNFOLD

SOURCE = Path(str(tradepost.__file__)).parent
PANEL_STATIC = SOURCE / "panel" / "static" / "panel"
BACK_OFFICE_STATIC = SOURCE / "backoffice" / "static"
UNFOLD_FONTS = BACK_OFFICE_STATIC / "unfold" / "fonts"
THEME = BACK_OFFICE_STATIC / "backoffice" / "theme.css"
ICON_FONT = UNFOLD_FONTS / "material-symbols" / "Material-Symbols-Outlined.woff2"

_ALLAUTH = Path(str(allauth.__file__)).parent
_BOOTSTRAP = Path(str(django_include_bootstrap.__file__)).parent / "static" / "css"
_UNFOLD = Path(str(unfold.__file__)).parent
_FONTS = _UNFOLD / "static" / "unfold" / "fonts"

STYLES = {"bootstrap.min.css": "bootstrap.css", "bootstrap.rtl.min.css": "bootstrap.rtl.css"}
WEIGHTS = {400: "Regular", 500: "Medium", 600: "SemiBold", 700: "Bold"}
# As Google Fonts divides its fonts, so that a page loads only the letters it shows.
LETTERS = {
    "latin": "U+0000-00FF,U+0131,U+0152-0153,U+02BB-02BC,U+02C6,U+02DA,U+02DC,U+2000-206F,U+20AC,U+2122,U+2190-2193,"
    "U+2212,U+2215,U+FEFF,U+FFFD",
    "latin-ext": "U+0100-0130,U+0132-0151,U+0154-017F,U+0218-021B,U+20A0-20AB,U+20AD-20C0",
    "cyrillic": "U+0301,U+0400-052F,U+2116",
}
# Letters' pairs, and figures of one width. Inter's many other features are not used.
FEATURES = ["kern", "mark", "mkmk", "ccmp", "locl", "calt", "tnum"]

# Alpine's build that evaluates expressions without `eval` takes the place of the one that Unfold brings (decision 72).
ALPINE_PACKAGE = "@alpinejs/csp@3.17.4"
ALPINE = BACK_OFFICE_STATIC / "unfold" / "js" / "alpine" / "alpine.js"
ALPINE_SHA256 = "0d18d7f8d7910e2e0212f0f056b12f50bebc3abb7d88d2f7c7cb4c336fe4519a"

_CLASS = re.compile(r"\.((?:\\.|[\w-])+)")
_WORD = re.compile(r"[\w-]+")
_ICON_ELEMENT = re.compile(r"material-symbols-outlined[^<>]*>([^<>]*)<")
_ICON_ATTRIBUTE = re.compile(r"""icon["']?\s*[:=]\s*["']([a-z0-9_]+)["']""")
_QUOTED = re.compile(r"""["']([a-z0-9_]+)["']""")
_TAG = re.compile(r"{%.*?%}|{{.*?}}")


def main() -> None:
    settings.configure()  # for Unfold's settings
    for source, excerpt in STYLES.items():
        (PANEL_STATIC / excerpt).write_text(bootstrap_excerpt(source))
    for weight, name in WEIGHTS.items():
        for letters, ranges in LETTERS.items():
            font = _FONTS / "inter" / f"Inter-{name}.woff2"
            target = PANEL_STATIC / "fonts" / f"inter-{weight}-{letters}.woff2"
            _excerpt(font, target, f"--unicodes={ranges}", f"--layout-features={','.join(FEATURES)}")
    (PANEL_STATIC / "fonts" / "inter.css").write_text(_font_faces(""))
    # Unfold asks for its fonts by these names; the back office's files are found before Unfold's.
    (UNFOLD_FONTS / "inter" / "styles.css").write_text(_font_faces("../../../panel/fonts/"))
    _excerpt(
        _FONTS / "material-symbols" / "Material-Symbols-Outlined.woff2",
        ICON_FONT,
        f"--glyphs={','.join(sorted(used_icons()))}",
        "--unicodes=U+0030-0039,U+005F,U+0061-007A",
        "--layout-features=*",
        "--no-layout-closure",
        "--glyph-names",  # the test reads them
    )
    THEME.write_text(theme())
    ALPINE.write_bytes(_alpine())
    (PANEL_STATIC / "fonts" / "LICENSE").write_text((_FONTS / "inter" / "LICENSE").read_text())
    (ICON_FONT.parent / "LICENSE").write_text((_FONTS / "material-symbols" / "LICENSE").read_text())


def bootstrap_excerpt(name: str) -> str:
    """Return the rules of Bootstrap for elements, and for classes that the panel or allauth may use."""
    css = (_BOOTSTRAP / name).read_text().partition("/*# sourceMappingURL")[0]
    words = set(_WORD.findall("\n".join(_texts(SOURCE / "panel", _ALLAUTH / "templates", _ALLAUTH / "mfa"))))
    notice, _, rules = css.partition("*/")
    return f"{notice}*/\n{''.join(_used(rules, words))}\n"


def used_icons() -> set[str]:
    """Return the names of the icons that Unfold or the back office may show."""
    names = set(TTFont(_FONTS / "material-symbols" / "Material-Symbols-Outlined.woff2").getGlyphOrder())
    found: set[str] = set()
    for text in _texts(_UNFOLD, SOURCE / "backoffice"):
        for inside in _ICON_ELEMENT.findall(_TAG.sub(" ", text)):
            found.update(_WORD.findall(inside))
        found.update(_ICON_ATTRIBUTE.findall(text))
    found.update(_QUOTED.findall("\n".join(_texts(SOURCE / "backoffice", endings={".py"}))))
    return found & names


def theme() -> str:
    """Return Unfold's colours with the back office's own as a stylesheet: a page must not have styles of its own."""
    from unfold.settings import CONFIG_DEFAULTS

    colors = {**CONFIG_DEFAULTS["COLORS"], **UNFOLD["COLORS"]}
    lines = [
        f"  --color-{name}-{weight}: {value};" for name, weights in colors.items() for weight, value in weights.items()
    ]
    return "\n".join(["/* Made by scripts/assets. */", ":root {", *lines, "}", ""])


def _alpine() -> bytes:
    """Return the file from npm's package."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", ALPINE_PACKAGE], cwd=folder, check=True)
        [package] = Path(folder).iterdir()
        with tarfile.open(package) as files:
            script = files.extractfile("package/dist/cdn.min.js")
            assert script
            return script.read()


def _texts(*folders: Path, endings: Iterable[str] = (".html", ".js", ".py")) -> Iterator[str]:
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix in endings:
                yield path.read_text()


def _used(css: str, words: set[str]) -> Iterator[str]:
    """Yield the rules whose selectors have only these classes; of `@media`, what is left."""
    for head, body in _blocks(css):
        if head.startswith("@media"):
            inner = "".join(_used(body, words))
            if inner:
                yield f"{head}{{{inner}}}"
        elif head.startswith("@"):
            if not head.startswith("@keyframes") or head.split()[1] in words:
                yield f"{head}{{{body}}}"
        else:
            kept = [one for one in _selectors(head) if all(each in words for each in classes(one))]
            if kept:
                yield f"{','.join(kept)}{{{body}}}"


def _blocks(css: str) -> Iterator[tuple[str, str]]:
    """Yield the head and the body of every block on the top level."""
    start = depth = opened = 0
    for place, letter in enumerate(css):
        if letter == "{":
            depth += 1
            if depth == 1:
                opened = place
        elif letter == "}":
            depth -= 1
            if not depth:
                yield css[start:opened].strip(), css[opened + 1 : place]
                start = place + 1


def _selectors(head: str) -> list[str]:
    """Divide a list of selectors at the commas outside of brackets."""
    return re.split(r",(?![^(]*\))", head)


def classes(css: str) -> list[str]:
    """Return the classes of a selector that an element must have, or those of a whole stylesheet."""
    outside_not = re.sub(r":not\([^)]*\)", "", css)
    return [name.replace("\\", "") for name in _CLASS.findall(outside_not)]


def _excerpt(font: Path, target: Path, *options: str) -> None:
    subset.main([str(font), *options, "--flavor=woff2", f"--output-file={target}"])


def _font_faces(folder: str) -> str:
    return "\n".join(
        (
            f"@font-face {{\n  font-family: Inter;\n  font-weight: {weight};\n  font-display: swap;\n"
            f'  src: url("{folder}inter-{weight}-{letters}.woff2") format("woff2");\n'
            f"  unicode-range: {ranges.replace(',', ', ')};\n}}\n"
        )
        for weight in WEIGHTS
        for letters, ranges in LETTERS.items()
    )


if __name__ == "__main__":
    main()
