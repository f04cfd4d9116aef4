"""The renderer of form fields writes inputs as Django's templates do."""

import re
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy

from tradepost.backoffice.ui.unfold_admin import SelectWidget
from tradepost.config.form_renderer import INPUT_TEMPLATES, FormRenderer

HOSTILE = "<script>&\"'"
VALUES = [None, "", 0, False, True, 12, "plain", HOSTILE, mark_safe("<b>"), gettext_lazy("Orders")]
ATTRIBUTES: list[dict[str, Any]] = [
    {},
    {"required": True, "disabled": False},
    {"id": "id_name", "max": 5, "none": None, "empty": ""},
    {"title": HOSTILE, 'data-"x': gettext_lazy("Orders"), "safe": mark_safe("<b>")},
]
WIDGETS = [
    forms.TextInput, forms.NumberInput, forms.EmailInput, forms.URLInput, forms.PasswordInput, forms.HiddenInput,
    forms.CheckboxInput, forms.DateInput, forms.TimeInput,
]  # fmt: skip


@pytest.mark.parametrize("widget", WIDGETS)
@pytest.mark.parametrize("attributes", ATTRIBUTES)
def test_an_input_is_written_as_by_djangos_template(widget: type[forms.Widget], attributes: dict[str, Any]) -> None:
    for value in VALUES:
        ours = widget().render("a&b", value, attributes, renderer=FormRenderer())
        assert widget.template_name in INPUT_TEMPLATES
        assert ours == widget().render("a&b", value, attributes, renderer=DjangoTemplates())


def test_what_a_template_says_about_a_hostile_value_is_escaped() -> None:
    shown = forms.TextInput(attrs={"title": HOSTILE}).render("name", HOSTILE, renderer=FormRenderer())
    assert "<script>" not in shown
    assert shown.count("&lt;script&gt;&amp;&quot;&#x27;") == 2


@pytest.mark.parametrize("name", sorted(INPUT_TEMPLATES))
def test_django_has_only_the_input_in_each_template_that_is_left_out(name: str) -> None:
    folder = Path(forms.renderers.__file__).parent / "templates"
    text = (folder / name).read_text().strip()
    assert name.endswith("/input.html") or text == '{% include "django/forms/widgets/input.html" %}'


def test_other_fields_are_rendered_by_their_templates() -> None:
    field = forms.Textarea()
    assert field.render("name", HOSTILE, renderer=FormRenderer()) == field.render(
        "name", HOSTILE, renderer=DjangoTemplates()
    )


def test_the_back_offices_select_has_the_options_that_django_writes() -> None:
    choices = [("", "None"), ("a&b", HOSTILE), ("Group", [("in", "Inside")])]
    select = SelectWidget(choices=choices)
    ours, djangos = (
        each.render("name", "a&b", renderer=FormRenderer()) for each in (select, forms.Select(choices=choices))
    )
    assert _options(ours) == _options(djangos)
    assert len(_options(ours)) == 4


def _options(shown: str) -> list[str]:
    """Return the tags of options and their groups."""
    return re.findall(r"<opt[^>]*>(?:[^<]*</option>)?", shown)
