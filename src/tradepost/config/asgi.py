"""The whole desk as one ASGI application: `/api/v2` by its own handler, everything else by Django's WSGI handler."""

from django.conf import settings

from tradepost.api import health
from tradepost.api.app import App, describe
from tradepost.api.asgi_types import Receive, Scope, Send
from tradepost.api.protocol import DESCRIPTION_PATH, PATHS
from tradepost.api.request_bodies import BODY_BYTES_MAX
from tradepost.api.v2 import Api
from tradepost.config import environment
from tradepost.config.page_threads import PageThreads
from tradepost.config.wsgi import application as pages_wsgi

PAGE_THREADS = 8
FILE_BODY_BYTES_MAX = 10 * 1024 * 1024  # where the back office takes files

api = Api(
    environment.database_url() or "",
    settings.TRADEPOST_CURRENCY,
    requests_a_minute=settings.TRADEPOST_REQUESTS_A_MINUTE,
)
_app = App(api)


def body_bytes_max(path: str) -> int:
    """Return the largest body in bytes that this path may get."""
    takes_files = path.startswith("/admin/") and path.endswith("/import/")
    return FILE_BODY_BYTES_MAX if takes_files else BODY_BYTES_MAX


_pages = PageThreads(pages_wsgi, threads=PAGE_THREADS, body_bytes_max=body_bytes_max)


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
