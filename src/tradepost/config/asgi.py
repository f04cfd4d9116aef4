"""The whole desk as one ASGI application: `/api/v2` by its own handler, everything else by Django's WSGI handler."""

from typing import Any, cast

from a2wsgi import WSGIMiddleware
from django.conf import settings

from tradepost.api.app import App, ASGIApp, Receive, Scope, Send, describe
from tradepost.api.protocol import PATHS
from tradepost.api.v2 import Api
from tradepost.config import environment
from tradepost.config.incomplete_requests import complete_requests_only
from tradepost.config.wsgi import application as pages_wsgi

DESCRIPTION_PATH = "/api/v2/openapi.json"
PAGE_THREADS = 8

api = Api(
    environment.database_url() or "",
    settings.TRADEPOST_CURRENCY,
    requests_a_minute=settings.TRADEPOST_REQUESTS_A_MINUTE,
)
_app = App(api)
# a2wsgi has its own types for ASGI events, and narrower types for WSGI than Django.
_pages = complete_requests_only(cast("ASGIApp", WSGIMiddleware(cast("Any", pages_wsgi), workers=PAGE_THREADS)))


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one request, or the API's lifespan (the pages have none)."""
    if scope["type"] == "lifespan" or scope["path"] in PATHS:
        await _app(scope, receive, send)
    elif scope["path"] == DESCRIPTION_PATH:
        await describe(scope, receive, send)
    else:
        await _pages(scope, receive, send)
