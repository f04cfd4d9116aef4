from django.apps import AppConfig


class ProvidersConfig(AppConfig):
    name = "tradepost.providers"
    label = "providers"
    verbose_name = "Providers"
