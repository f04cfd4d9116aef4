"""Types of Django's HTTP layer that several packages share."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

type GetResponse = Callable[[HttpRequest], HttpResponse]  # a middleware takes one and returns one
