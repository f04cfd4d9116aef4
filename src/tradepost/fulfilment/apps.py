from django.apps import AppConfig


class FulfilmentConfig(AppConfig):
    name = "tradepost.fulfilment"
    label = "fulfilment"
    verbose_name = "Fulfilment"
