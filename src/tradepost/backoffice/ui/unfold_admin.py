"""Unfold for the rest of the back office: Django's admin classes with a theme.

Unfold is published without types. Type checkers see Django's own classes in its place; at run time, ours accept the
generic arguments that Django's stubs require.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.http import urlencode

from tradepost.backoffice.ui import links, texts
from tradepost.backoffice.ui.fresh_sign_in import FreshDialogMixin
from tradepost.formats import NOTHING

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite, ModelAdmin, StackedInline, TabularInline
    from django.contrib.admin import ChoicesFieldListFilter as ChoicesCheckboxFilter
    from django.contrib.admin import ChoicesFieldListFilter as ChoicesDropdownFilter
    from django.contrib.admin import DateFieldListFilter as RangeDateFilter
    from django.contrib.admin import RelatedFieldListFilter as AutocompleteSelectFilter
    from django.contrib.admin import RelatedFieldListFilter as RelatedDropdownFilter
    from django.contrib.admin import SimpleListFilter as DropdownFilter
    from django.contrib.admin import SimpleListFilter as RadioFilter
    from django.contrib.admin import SimpleListFilter as TextFilter
    from django.contrib.admin.widgets import AdminIntegerFieldWidget as DecimalWidget
    from django.contrib.admin.widgets import AdminIntegerFieldWidget as IntegerWidget
    from django.contrib.admin.widgets import AdminTextareaWidget as TextareaWidget
    from django.contrib.admin.widgets import AdminTextInputWidget as TextWidget
    from django.contrib.auth.admin import UserAdmin
    from django.forms import CheckboxInput as CheckboxWidget
    from django.forms import CheckboxInput as SwitchWidget
    from django.forms import CheckboxSelectMultiple as CheckboxesWidget
    from django.forms import ClearableFileInput as FileWidget
    from django.forms import EmailInput as EmailWidget
    from django.forms import Form as DialogForm
    from django.forms import PasswordInput as PasswordWidget
    from django.forms import Select as SelectWidget

    _button: Callable[..., Callable[..., Any]]
else:
    from django.contrib.admin import ActionLocation
    from django.contrib.admin import ModelAdmin as DjangoModelAdmin
    from django.contrib.auth import admin as auth
    from django.forms import Media
    from unfold import admin, decorators, forms
    from unfold import utils as unfold_utils
    from unfold.contrib.filters.admin import (
        AutocompleteSelectFilter,
        ChoicesCheckboxFilter,
        ChoicesDropdownFilter,
        DropdownFilter,
        RadioFilter,
        RangeDateFilter,
        RelatedDropdownFilter,
        TextFilter,
    )
    from unfold.enums import ActionVariant
    from unfold.fields import UnfoldAdminReadonlyField
    from unfold.forms import BaseDialogForm as DialogForm
    from unfold.sites import UnfoldAdminSite as AdminSite
    from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget as CheckboxesWidget
    from unfold.widgets import UnfoldAdminDecimalFieldWidget as DecimalWidget
    from unfold.widgets import UnfoldAdminEmailInputWidget as EmailWidget
    from unfold.widgets import UnfoldAdminFileFieldWidget as FileWidget
    from unfold.widgets import UnfoldAdminIntegerFieldWidget as IntegerWidget
    from unfold.widgets import UnfoldAdminPasswordWidget as PasswordWidget
    from unfold.widgets import UnfoldAdminSelectWidget as SelectWidget
    from unfold.widgets import UnfoldAdminTextareaWidget as TextareaWidget
    from unfold.widgets import UnfoldAdminTextInputWidget as TextWidget
    from unfold.widgets import UnfoldBooleanSwitchWidget as SwitchWidget
    from unfold.widgets import UnfoldBooleanWidget as CheckboxWidget

    from tradepost.audit import actions

    def _button(*, danger: bool = False, **options: Any) -> Any:
        return decorators.action(variant=ActionVariant.DANGER if danger else ActionVariant.DEFAULT, **options)

    class _ReadonlyField(UnfoldAdminReadonlyField):
        """Links to another row only if the reader may open its page."""

        def get_admin_url(self, remote_field: Any, remote_obj: Any) -> Any:
            may_view = links.may_view(remote_field.model)
            return super().get_admin_url(remote_field, remote_obj) if may_view else str(remote_obj)

    forms.UnfoldAdminReadonlyField = _ReadonlyField  # Unfold's forms take the class from there
    # There are three icons, yes, no and unknown, and Unfold renders one a row.
    unfold_utils._boolean_icon = lru_cache(unfold_utils._boolean_icon)  # noqa: SLF001 - Unfold takes it from there

    class _Generic:
        def __class_getitem__(cls, models: Any) -> type:
            return cls

    def _named_fields(form: Any) -> Any:
        """Make a form whose fields say aloud what they are and of which row."""

        class NamedFields(form):
            def __init__(self, *args: Any, **options: Any) -> None:
                super().__init__(*args, **options)
                row = f" of {self.instance}" if self.instance.pk else ""
                for name, field in self.fields.items():
                    label = str(field.label or name.replace("_", " "))
                    field.widget.attrs.setdefault("aria-label", f"{label}{row}")

        return NamedFields

    class ModelAdmin(_Generic, admin.ModelAdmin):
        """Unfold's `ModelAdmin`, with generic arguments and the audit log."""

        empty_value_display = NOTHING
        list_sections = ()  # Unfold's list looks for it twice a row, and what is missing is looked for longest

        @property
        def noun(self) -> str:
            """What one row is called."""
            return texts.nouns(self)[0]

        @property
        def nouns(self) -> str:
            """What many rows are called."""
            return texts.nouns(self)[1]

        @cached_property
        def media(self) -> Any:
            """Leave out what fills fields from others as one types, a third of the scripts: no form does that."""
            media = super().media
            unused = ("xregexp", "urlify", "prepopulate")
            scripts = [script for script in media._js if not any(name in str(script) for name in unused)]  # noqa: SLF001
            return Media(css=media._css, js=scripts)  # noqa: SLF001 - Media has no other way to leave scripts out

        def changelist_view(self, request: Any, extra_context: Any = None) -> Any:
            """Title the list as the menu does, and let it say what would be here when it is empty."""
            context = {**texts.list_context(self), "title": texts.list_title(self), **(extra_context or {})}
            return super().changelist_view(request, context)

        def changeform_view(
            self, request: Any, object_id: Any = None, form_url: str = "", extra_context: Any = None
        ) -> Any:
            """Name the list that the row is of as the menu does."""
            title = {"title": texts.list_title(self)} if object_id else {}
            context = {**texts.list_context(self), **title, **(extra_context or {})}
            return super().changeform_view(request, object_id, form_url, context)

        def delete_view(self, request: Any, object_id: Any, extra_context: Any = None) -> Any:
            """Name the list that the row is of as the menu does."""
            return super().delete_view(request, object_id, {**texts.list_context(self), **(extra_context or {})})

        def formfield_for_dbfield(self, db_field: Any, request: Any, **options: Any) -> Any:
            """Offer no button beside a field that deletes the chosen row: other rows may need it."""
            field = super().formfield_for_dbfield(db_field, request, **options)
            if field and hasattr(field.widget, "can_delete_related"):
                field.widget.can_delete_related = False
            return field

        def get_changelist_form(self, request: Any, **options: Any) -> Any:
            """Name the fields in the rows of the list, which have no labels beside them."""
            return _named_fields(super().get_changelist_form(request, **options))

        def get_action_choices(
            self, request: Any, default_choices: Any = None, action_location: Any = ActionLocation.CHANGE_LIST
        ) -> Any:
            """Accept the argument that Django 6.1 passes and Unfold does not know yet."""
            choices = default_choices or [("", "Select action")]
            return DjangoModelAdmin.get_action_choices(self, request, choices, action_location)

        def response_action(self, request: Any, queryset: Any, **location: Any) -> Any:
            """Let the audit log record how many rows an action on all matching rows was run on."""
            actions.remember_matched(request, queryset)
            return super().response_action(request, queryset, **location)

        def history_view(self, request: Any, object_id: str, extra_context: Any = None) -> Any:
            """Redirect to the audit log of the row. It takes the permission to view the log."""
            if not request.user.has_perm("audit.view_entry"):
                raise PermissionDenied
            query = urlencode({"of": f"{self.opts.label_lower}:{unquote(object_id)}"})
            return redirect(f"{reverse('admin:audit_entry_changelist')}?{query}")

        def log_addition(self, request: Any, obj: Any, message: Any) -> None:
            """Do nothing: the audit log watches the table."""

        def log_change(self, request: Any, obj: Any, message: Any) -> None:
            """Record the message of an action in the audit log. Changes by a form are recorded from the table."""
            actions.log_message(obj, message)

        def log_deletions(self, request: Any, queryset: Any) -> None:
            """Do nothing: the audit log watches the table."""

    class TabularInline(_Generic, admin.TabularInline):
        """Unfold's `TabularInline` with generic arguments."""

        empty_value_display = NOTHING

        def get_formset(self, request: Any, obj: Any = None, **options: Any) -> Any:
            """Name the fields in the rows, which have no labels beside them."""
            return super().get_formset(request, obj, form=_named_fields(self.form), **options)

    class StackedInline(_Generic, admin.StackedInline):
        """Unfold's `StackedInline` with generic arguments."""

        empty_value_display = NOTHING

    class UserAdmin(auth.UserAdmin, ModelAdmin):
        """Django's `UserAdmin` in Unfold's style, with a generic argument."""


def dialog_button[**P, R](
    description: str,
    *,
    permission: str,
    title: str,
    text: str,
    form: type[DialogForm] = DialogForm,
    danger: bool = False,
    fresh: bool = False,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a method a button of a row's page that opens a dialog first.

    The method runs when the dialog is posted, with its valid form as an argument. With `fresh`, it takes a fresh
    sign-in (`fresh_sign_in`).
    """
    form_class = type(f"Fresh{form.__name__}", (FreshDialogMixin, form), {}) if fresh else form

    def decorate(method: Callable[P, R]) -> Callable[P, R]:
        dialog = {"title": title, "description": text, "form_submit_text": description, "form_class": form_class}
        button = _button(description=description, permissions=[permission], dialog=dialog, danger=danger)
        decorated: Callable[P, R] = button(method)
        return decorated

    return decorate


def link_button[**P, R](description: str, *, permission: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a method a button that redirects. The method returns the redirect."""

    def decorate(method: Callable[P, R]) -> Callable[P, R]:
        decorated: Callable[P, R] = _button(description=description, permissions=[permission])(method)
        return decorated

    return decorate


__all__ = [
    "AdminSite",
    "AutocompleteSelectFilter",
    "CheckboxWidget",
    "CheckboxesWidget",
    "ChoicesCheckboxFilter",
    "ChoicesDropdownFilter",
    "DecimalWidget",
    "DialogForm",
    "DropdownFilter",
    "EmailWidget",
    "FileWidget",
    "IntegerWidget",
    "ModelAdmin",
    "PasswordWidget",
    "RadioFilter",
    "RangeDateFilter",
    "RelatedDropdownFilter",
    "SelectWidget",
    "StackedInline",
    "SwitchWidget",
    "TabularInline",
    "TextFilter",
    "TextWidget",
    "TextareaWidget",
    "UserAdmin",
    "dialog_button",
    "link_button",
]
