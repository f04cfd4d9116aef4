"""The notes on an account's page: written once, for staff only; one may be pinned above all else."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from tradepost.accounts.models import Account, Note
from tradepost.backoffice.accounts.dialogs import AccountDialogMixin, back_to
from tradepost.backoffice.ui.unfold_admin import DialogForm, SelectWidget, SwitchWidget, TextareaWidget, dialog_button

CHOICES_MAX = 50
CHARS_SHOWN = 80


class NoteForm(DialogForm):
    """A new note."""

    text = forms.CharField(
        label="Note",
        max_length=2_000,
        widget=TextareaWidget(attrs={"rows": 5}),
        help_text="Signed by you and never changed afterwards. The customer never sees it.",
    )
    is_pinned = forms.BooleanField(label="Pin it above the account", required=False, widget=SwitchWidget)


class PinForm(DialogForm):
    """Which note to pin; none takes the pin off."""

    note = forms.ChoiceField(label="Note", required=False, widget=SelectWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        notes = Note.objects.filter(account=kwargs["object_id"])[:CHOICES_MAX]
        field = self.fields["note"]
        field.choices = [("", "None"), *((str(each.pk), each.text[:CHARS_SHOWN]) for each in notes)]  # type: ignore[attr-defined]
        field.initial = next((str(each.pk) for each in notes if each.is_pinned), "")


class NoteButtonsMixin(AccountDialogMixin):
    """Put before the accounts' admin."""

    def has_pin_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Only where there are notes."""
        account = self.mendable(request, object_id)
        return account is not None and account.notes.exists()

    @dialog_button(
        "Write a note",
        permission="mend",
        title="A note about this account",
        text="What others should know.",
        form=NoteForm,
    )
    def write_note(self, request: HttpRequest, form: NoteForm, object_id: str) -> HttpResponse:
        """Keep it."""
        account, author = self.account(request, object_id), request.user
        assert account, "its permission has been asked for"
        assert isinstance(author, Account)
        with transaction.atomic():
            note = Note.objects.create(account=account, text=form.cleaned_data["text"], author=author)
            if form.cleaned_data["is_pinned"]:
                _pin(account, note.pk)
        messages.success(request, "The note is kept.")
        return back_to(account)

    @dialog_button(
        "Pin a note",
        permission="pin",
        title="Pin a note?",
        text="It is shown above the account's page.",
        form=PinForm,
    )
    def pin_note(self, request: HttpRequest, form: PinForm, object_id: str) -> HttpResponse:
        """Show it above all else, or none."""
        account = self.account(request, object_id)
        assert account, "its permission has been asked for"
        chosen = form.cleaned_data["note"]
        with transaction.atomic():
            _pin(account, int(chosen) if chosen else None)
        messages.success(request, "The note is pinned." if chosen else "No note is pinned.")
        return back_to(account)


def _pin(account: Account, note: int | None) -> None:
    """Pin one of an account's notes in place of another; whoever pins at the same time comes second."""
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    account.notes.filter(is_pinned=True).update(is_pinned=False)
    if note:
        account.notes.filter(pk=note).update(is_pinned=True)
