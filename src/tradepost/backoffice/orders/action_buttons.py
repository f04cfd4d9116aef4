"""The buttons by which staff act on one order, by the rules of bulk actions (`orders/bulk_actions/rules.py`)."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from tradepost import formats
from tradepost.accounts import impersonation
from tradepost.accounts.models import Account
from tradepost.backoffice.accounts.access_buttons import LogInAsForm
from tradepost.backoffice.accounts.dialogs import ReasonForm
from tradepost.backoffice.orders.list_actions import may_start
from tradepost.backoffice.ui.unfold_admin import (
    DialogForm,
    IntegerWidget,
    TextareaWidget,
    TextWidget,
    dialog_button,
)
from tradepost.database import engine_connection
from tradepost.engine import orders
from tradepost.engine.postgres import BIGINT_MAX
from tradepost.engine.settling import Report, SettleResult, settle
from tradepost.engine.statuses import ACTIVE
from tradepost.orders import notes
from tradepost.orders.bulk_action_types import TEXT_CHARS_MAX, BulkActionKind, BulkOptions, BulkOutcome
from tradepost.orders.bulk_actions import executor, rules
from tradepost.orders.bulk_actions.executor import ActionTask
from tradepost.orders.models import Order
from tradepost.orders.staff_models import NOTE_CHARS_MAX

if TYPE_CHECKING:
    from tradepost.backoffice.ui.unfold_admin import ModelAdmin

    Base = ModelAdmin[Any]
else:
    Base = object

BY_A_PERSON = "by a person, on its page"
MESSAGE_CHARS_MAX = NOTE_CHARS_MAX - 200  # the note begins with the provider's name


class OrderForm(DialogForm):
    """A dialog about one order."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order = Order.objects.select_related("account").get(pk=kwargs["object_id"])


class PartialForm(OrderForm):
    """How much of the order is not delivered."""

    remains = forms.IntegerField(min_value=1, max_value=BIGINT_MAX, widget=IntegerWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["remains"].initial = self.order.remains
        self.fields["remains"].help_text = f"Of {formats.whole(self.order.quantity)} ordered."


class RefundForm(ReasonForm):
    """How much of a delivered order to refund, and why."""

    remains = forms.IntegerField(
        label="Quantity to refund",
        required=False,
        min_value=1,
        max_value=BIGINT_MAX,
        widget=IntegerWidget,
        help_text="Empty: the whole order, which is canceled.",
    )
    field_order = ("remains", "reason")


class LinkForm(OrderForm):
    """The new link."""

    link = forms.CharField(max_length=TEXT_CHARS_MAX, widget=TextWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["link"].initial = self.order.link


class CountsForm(OrderForm):
    """Where the order began, and how much is still to be delivered."""

    start_count = forms.IntegerField(
        label="Start count", required=False, min_value=0, max_value=BIGINT_MAX, widget=IntegerWidget
    )
    remains = forms.IntegerField(label="Remains", min_value=0, max_value=BIGINT_MAX, widget=IntegerWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["start_count"].initial = self.order.start_count
        self.fields["remains"].initial = self.order.remains

    def clean_remains(self) -> int:
        """Refuse more than was ordered."""
        remains: int = self.cleaned_data["remains"]
        if remains > self.order.quantity:
            raise forms.ValidationError(f"{formats.whole(self.order.quantity)} at most: that much was ordered.")
        return remains


class NoteForm(DialogForm):
    text = forms.CharField(
        label="Note",
        max_length=NOTE_CHARS_MAX,
        widget=TextareaWidget(attrs={"rows": 5}),
        help_text="Signed by you and never changed afterwards. The customer never sees it.",
    )


class TellForm(DialogForm):
    """The message to the provider, ready to copy."""

    form_after_template = "backoffice/orders/copy_button.html"

    text = forms.CharField(
        label="Message", max_length=MESSAGE_CHARS_MAX, widget=TextareaWidget(attrs={"rows": 6, "id": "id_text"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.message = next(iter(notes.provider_messages([int(kwargs["object_id"])], notes.PLEASE)), None)
        if self.message:
            self.fields["text"].initial = self.message.text
            self.fields["text"].label = f"Message to {self.message.provider}"


class AsCustomerForm(LogInAsForm):
    """The reason to look at the order in its customer's place."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        customer = _customer(Order.objects.select_related("account__test_of").get(pk=kwargs["object_id"]))
        super().__init__(*args, **{**kwargs, "object_id": customer.pk})


class ActionButtonsMixin(Base):
    """Adds buttons to the order page that cancel, complete, refill and edit the order, and keep notes about it."""

    def has_note_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow users who may change orders."""
        return bool(object_id) and request.user.has_perm("orders.change_order")

    def has_cancel_now_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow it where `settle_buttons` has no button for the same."""
        admin: Any = self
        is_offered = self._is_offered(request, BulkActionKind.CANCEL, object_id)
        return is_offered and not admin.has_end_permission(request, object_id)

    def has_partial_now_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow it where `settle_buttons` has no button for the same."""
        admin: Any = self
        is_offered = self._is_offered(request, BulkActionKind.PARTIAL, object_id)
        return is_offered and not admin.has_review_permission(request, object_id)

    def has_complete_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._is_offered(request, BulkActionKind.COMPLETE, object_id)

    def has_resend_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow it where `settle_buttons` has no button for the same."""
        admin: Any = self
        is_offered = self._is_offered(request, BulkActionKind.RESEND, object_id)
        return is_offered and not admin.has_decide_permission(request, object_id)

    def has_refill_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._is_offered(request, BulkActionKind.REFILL, object_id)

    def has_edit_link_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._is_offered(request, BulkActionKind.EDIT_LINK, object_id)

    def has_tell_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._is_offered(request, BulkActionKind.TELL_PROVIDER, object_id)

    def has_delivered_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow refunds of orders that were delivered. The limits of the user's role are checked when it is done."""
        order = self._candidate(request, BulkActionKind.CANCEL, object_id)
        return order is not None and order.was_delivered and may_start(request, BulkActionKind.CANCEL)

    def has_counts_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow it for active orders that are not made of runs or posts: those follow from their parts."""
        order = self._candidate(request, BulkActionKind.CANCEL, object_id)
        is_open = order is not None and order.status in ACTIVE and not order.parts
        return is_open and request.user.has_perm("orders.change_order")

    def has_customer_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Apply the rules of `impersonation.may_impersonate`."""
        user = request.user
        if not object_id or not isinstance(user, Account) or not user.has_perm(impersonation.PERMISSION):
            return False
        order = Order.objects.select_related("account__test_of").filter(pk=object_id).first()
        return order is not None and impersonation.may_impersonate(hijacker=user, hijacked=_customer(order))

    def _candidate(
        self, request: HttpRequest, kind: BulkActionKind, object_id: str | None
    ) -> rules.BulkCandidate | None:
        """Return what the rules need to know about the order. One request looks it up once for each kind that asks."""
        if not object_id or not object_id.isdecimal():
            return None
        known: dict[Any, rules.BulkCandidate | None] = request.__dict__.setdefault("order_candidates", {})
        about = (object_id, kind if kind in rules.KINDS_WITH_OBSTACLES else None)
        if about not in known:
            found = rules.load_candidates(engine_connection(), kind, [int(object_id)])
            known[about] = found[0] if found else None
        return known[about]

    def _is_offered(self, request: HttpRequest, kind: BulkActionKind, object_id: str | None) -> bool:
        if not may_start(request, kind):
            return False
        order = self._candidate(request, kind, object_id)
        return order is not None and rules.is_offered(kind, order)

    @dialog_button(
        "Cancel and refund",
        permission="cancel_now",
        title="Cancel this order?",
        text="The customer gets back all that is left of the charge. If the order is at a provider, it goes on there.",
        danger=True,
    )
    def cancel_now(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        return self._act(request, object_id, BulkActionKind.CANCEL, BulkOptions(), "Canceled and refunded.")

    @dialog_button(
        "Set partial",
        permission="partial_now",
        title="How much of the order is not delivered?",
        text="The order ends as Partial. The customer gets back the charge of what remains.",
        form=PartialForm,
    )
    def partial_now(self, request: HttpRequest, form: PartialForm, object_id: str) -> HttpResponse:
        options = BulkOptions(remains=form.cleaned_data["remains"])
        return self._act(request, object_id, BulkActionKind.PARTIAL, options, "Partial. What remains is refunded.")

    @dialog_button(
        "Complete",
        permission="complete",
        title="Is this order delivered?",
        text="It ends as Completed, with nothing remaining.",
    )
    def complete(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        return self._act(request, object_id, BulkActionKind.COMPLETE, BulkOptions(), "Completed.")

    @dialog_button(
        "Ask for refill",
        permission="refill",
        title="Ask for a refill of this order?",
        text="It goes to the order's provider if that one takes refills, or to the staff's list of refills.",
    )
    def refill(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        return self._act(request, object_id, BulkActionKind.REFILL, BulkOptions(), "Refill requested.")

    @dialog_button(
        "Edit link",
        permission="edit_link",
        title="What is the right link?",
        text="Only possible before the order is begun or sent. Its customer sees the new link.",
        form=LinkForm,
    )
    def edit_link(self, request: HttpRequest, form: LinkForm, object_id: str) -> HttpResponse:
        options = BulkOptions(link=form.cleaned_data["link"])
        return self._act(request, object_id, BulkActionKind.EDIT_LINK, options, "The link is changed.")

    @dialog_button(
        "Send again",
        permission="resend",
        title="Send this order again?",
        text="Every provider has refused it. It is queued for its first route.",
    )
    def resend(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        return self._act(request, object_id, BulkActionKind.RESEND, BulkOptions(), "Queued again.")

    @dialog_button(
        "Refund delivered order",
        permission="delivered",
        title="Refund an order that was delivered?",
        text="That is unusual. It needs a reason, and what is refunded counts against your role's payment limit.",
        form=RefundForm,
        fresh=True,
        danger=True,
    )
    def refund_delivered(self, request: HttpRequest, form: RefundForm, object_id: str) -> HttpResponse:
        remains = form.cleaned_data["remains"]
        kind = BulkActionKind.CANCEL if remains is None else BulkActionKind.PARTIAL
        options = BulkOptions(remains=remains, with_delivered=True, reason=form.cleaned_data["reason"])
        return self._act(request, object_id, kind, options, "Refunded. The reason is among the notes.")

    @dialog_button(
        "Start count and remains",
        permission="counts",
        title="Where does this order stand?",
        text="Its customer sees both at once. If it is at a provider, the provider's next report replaces them.",
        form=CountsForm,
    )
    def set_counts(self, request: HttpRequest, form: CountsForm, object_id: str) -> HttpResponse:
        cleaned = form.cleaned_data
        with transaction.atomic():
            locked = orders.lock(engine_connection(), [int(object_id)])[int(object_id)]
            report = Report(locked.id, locked.status, start_count=cleaned["start_count"], remains=cleaned["remains"])
            outcomes = settle(engine_connection(), [report], actor=str(request.user)) if locked.status in ACTIVE else []
        done = "Start count and remains are saved." if SettleResult.SETTLED in outcomes else ""
        return self._show_result(request, object_id, done, "Nothing was changed.")

    @dialog_button(
        "Write a note",
        permission="note",
        title="A note about this order",
        text="What your colleagues should know.",
        form=NoteForm,
    )
    def write_note(self, request: HttpRequest, form: NoteForm, object_id: str) -> HttpResponse:
        assert isinstance(request.user, Account), "the page requires sign-in"
        notes.write([int(object_id)], form.cleaned_data["text"], request.user)
        return self._show_result(request, object_id, "The note is saved.")

    @dialog_button(
        "Tell the provider",
        permission="tell",
        title="Tell the provider about this order",
        text="Confirm once you have sent the message: it becomes a note on the order.",
        form=TellForm,
    )
    def tell_provider(self, request: HttpRequest, form: TellForm, object_id: str) -> HttpResponse:
        assert isinstance(request.user, Account), "the page requires sign-in"
        assert form.message, "the permission was checked"
        notes.write_told({int(object_id): (form.message.provider, form.cleaned_data["text"])}, request.user)
        return self._show_result(request, object_id, f"Noted as told to {form.message.provider}.")

    @dialog_button(
        "As the customer sees it",
        permission="customer",
        title="See this order as its customer does?",
        text="You are logged in as the customer, for an hour at most. The login and its reason are recorded.",
        form=AsCustomerForm,
        fresh=True,
    )
    def as_customer(self, request: HttpRequest, form: AsCustomerForm, object_id: str) -> HttpResponse:
        impersonation.HijackView.as_view()(request)
        return HttpResponse(headers={"HX-Redirect": reverse("panel:order", args=[object_id])})

    def _act(
        self, request: HttpRequest, object_id: str, kind: BulkActionKind, options: BulkOptions, done: str
    ) -> HttpResponse:
        """Do to the order what a bulk action would do."""
        assert isinstance(request.user, Account), "the page requires sign-in"
        task = ActionTask(kind, options, request.user, note=BY_A_PERSON)
        with transaction.atomic():
            [result] = executor.act(engine_connection(), task, [int(object_id)])
        is_done = result.outcome is BulkOutcome.DONE
        return self._show_result(request, object_id, done if is_done else "", f"Nothing was changed: it {result.note}.")

    def _show_result(self, request: HttpRequest, order: str, done: str, failed: str = "") -> HttpResponse:
        self.message_user(request, done or failed, messages.SUCCESS if done else messages.ERROR)
        return HttpResponse(headers={"HX-Redirect": reverse("admin:orders_order_change", args=[order])})


def _customer(order: Order) -> Account:
    """Return the account that can sign in: of a test order, the owner of the test account."""
    account: Account = order.account.test_of or order.account
    return account
