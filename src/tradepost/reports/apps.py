from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "tradepost.reports"
    label = "reports"
    verbose_name = "Reports"
