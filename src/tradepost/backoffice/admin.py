"""Imports every page of the back office that shows a model, so that it registers with the site.

Nothing else registers there. Pages of other apps, such as those that edit verified addresses or show the secret of a
second factor, would be ways around the rules on who may take over whose account.
"""

from tradepost.backoffice import audit_log, jobs, site_settings, staff_groups
from tradepost.backoffice.accounts import account_admin, impersonations, keys, sign_ins
from tradepost.backoffice.catalog import categories, custom_rates, price_lists, service_admin
from tradepost.backoffice.ledger import ledger_admin, payment_limits, payments
from tradepost.backoffice.orders import bulk_actions, customer_requests, order_admin, stuck_orders, unsure_orders
from tradepost.backoffice.providers import provider_admin, provider_services, refusal_texts

AREAS = (
    *(account_admin, impersonations, keys, sign_ins),
    *(categories, custom_rates, price_lists, service_admin),
    *(ledger_admin, payment_limits, payments),
    *(bulk_actions, customer_requests, order_admin, stuck_orders, unsure_orders),
    *(provider_admin, provider_services, refusal_texts),
    *(audit_log, jobs, site_settings, staff_groups),
)
