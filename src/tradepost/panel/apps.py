from django.apps import AppConfig


class PanelConfig(AppConfig):
    name = "tradepost.panel"
    label = "panel"
    verbose_name = "Panel"
