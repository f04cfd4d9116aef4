"""The whole desk as one ASGI application: `/api/v2` by its own handler, everything else by Django's WSGI handler."""

from django.conf import settings

from tradepost.api import health
from tradepost.api.app import App, describe
from tradepost.api.asgi_types import Receive, Scope, Send
from tradepost.api.connection_limits import BODY_BYTES_MAX
from tradepost.api.protocol import DESCRIPTION_PATH, PATHS
from tradepost.api.v2 import Api
from tradepost.config import environment
from tradepost.config.page_threads import PageThreads
from tradepost.config.wsgi import application as pages_wsgi

PAGE_THREADS = 8
LARGE_BODIES = {"/admin/catalog/service/import/": 10 * 1024 * 1024}  # bytes, where the back office takes files

api = Api(
    environment.database_url() or "",
    settings.TRADEPOST_CURRENCY,
    requests_a_minute=settings.TRADEPOST_REQUESTS_A_MINUTE,
)
_app = App(api)
_pages = PageThreads(pages_wsgi, threads=PAGE_THREADS, bytes_max=BODY_BYTES_MAX, large_bodies=LARGE_BODIES)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one request, or the API's lifespan (the pages have none)."""
    if scope["type"] == "lifespan" or scope["path"] in PATHS:
        await _app(scope, receive, send)
    elif scope["path"] == DESCRIPTION_PATH:
        await describe(scope, receive, send)
    elif scope["path"] in health.PATHS:
        await health.respond(api, scope, receive, send)
    else:
        await _pages(scope, receive, send)
