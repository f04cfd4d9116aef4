"""How much each role may pay by hand."""

from typing import Any

from django import forms
from django.db.models import Field
from django.http import HttpRequest
from django.utils.safestring import SafeString

from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.decimal_fields import plain_decimal
from tradepost.backoffice.ui.fresh_sign_in import FreshFormMixin
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import ModelAdmin
from tradepost.ledger.models import PaymentLimit


class LimitField(forms.DecimalField):
    """An amount without the zeros that fill it up to five decimals."""

    def prepare_value(self, value: Any) -> Any:
        """Format values from the database only; leave what the user typed as it is."""
        return value if value is None or isinstance(value, str) else plain_decimal(value)


@register(PaymentLimit)
class PaymentLimitAdmin(FreshFormMixin, ModelAdmin[PaymentLimit]):
    """A row for each role that may pay. A role without a row may not; users who set limits need no row."""

    list_display = ("group", "at_once", "a_day", "alone")
    list_select_related = ("group",)
    list_before_template = "backoffice/ledger/no_payment_limits.html"
    fields = ("group", ("per_payment", "per_day", "approval_above"))

    def formfield_for_dbfield(self, db_field: "Field[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name != "group":
            kwargs["form_class"] = LimitField
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @formatters.numeric_column("at once", ordering="per_payment")
    def at_once(self, limit: PaymentLimit) -> SafeString:
        return formatters.money(limit.per_payment)

    @formatters.numeric_column("a day", ordering="per_day")
    def a_day(self, limit: PaymentLimit) -> SafeString:
        return formatters.money(limit.per_day)

    @formatters.numeric_column("alone", ordering="approval_above")
    def alone(self, limit: PaymentLimit) -> SafeString:
        """Show up to which amount no second person has to approve."""
        return formatters.money(limit.approval_above)
