"""The notes on an account's page: for staff only, never changed once written, and one may be pinned at the top."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from tradepost.accounts.models import Account, Note
from tradepost.backoffice.accounts.dialogs import AccountDialogMixin, redirect_to_account
from tradepost.backoffice.ui.unfold_admin import DialogForm, SelectWidget, SwitchWidget, TextareaWidget, dialog_button

CHOICES_MAX = 50
CHARS_SHOWN = 80


class NoteForm(DialogForm):
    text = forms.CharField(
        label="Note",
        max_length=2_000,
        widget=TextareaWidget(attrs={"rows": 5}),
        help_text="Signed by you and never changed afterwards. The customer never sees it.",
    )
    is_pinned = forms.BooleanField(label="Pin it above the account", required=False, widget=SwitchWidget)


class PinForm(DialogForm):
    """Which note to pin. Choosing none unpins the pinned one."""

    note = forms.ChoiceField(label="Note", required=False, widget=SelectWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        notes = Note.objects.filter(account=kwargs["object_id"])[:CHOICES_MAX]
        field = self.fields["note"]
        field.choices = [("", "None"), *((str(note.pk), note.text[:CHARS_SHOWN]) for note in notes)]  # type: ignore[attr-defined]
        field.initial = next((str(note.pk) for note in notes if note.is_pinned), "")


class NoteButtonsMixin(AccountDialogMixin):
    """Adds buttons to write a note and to pin one to an account's page."""

    def has_pin_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow it where there are notes."""
        account = self.changeable_account(request, object_id)
        return account is not None and account.notes.exists()

    @dialog_button(
        "Write a note",
        permission="edit",
        title="A note about this account",
        text="What others should know.",
        form=NoteForm,
    )
    def write_note(self, request: HttpRequest, form: NoteForm, object_id: str) -> HttpResponse:
        account, author = self.account(request, object_id), request.user
        assert account, "the permission was checked"
        assert isinstance(author, Account)
        with transaction.atomic():
            note = Note.objects.create(account=account, text=form.cleaned_data["text"], author=author)
            if form.cleaned_data["is_pinned"]:
                _pin(account, note.pk)
        messages.success(request, "The note is kept.")
        return redirect_to_account(account)

    @dialog_button(
        "Pin a note",
        permission="pin",
        title="Pin a note?",
        text="It is shown above the account's page.",
        form=PinForm,
    )
    def pin_note(self, request: HttpRequest, form: PinForm, object_id: str) -> HttpResponse:
        account = self.account(request, object_id)
        assert account, "the permission was checked"
        chosen = form.cleaned_data["note"]
        with transaction.atomic():
            _pin(account, int(chosen) if chosen else None)
        messages.success(request, "The note is pinned." if chosen else "No note is pinned.")
        return redirect_to_account(account)


def _pin(account: Account, note_id: int | None) -> None:
    """Pin one of the account's notes and unpin the others. The lock makes simultaneous changes wait for each other."""
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    account.notes.filter(is_pinned=True).update(is_pinned=False)
    if note_id:
        account.notes.filter(pk=note_id).update(is_pinned=True)
