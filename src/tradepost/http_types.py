"""Types of Django's HTTP layer that several packages share."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

type GetResponse = Callable[[HttpRequest], HttpResponse]  # what a middleware is given, and what it returns
