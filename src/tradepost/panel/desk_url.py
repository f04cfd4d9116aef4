"""The desk's own address, for what pages show."""

from django.conf import settings
from django.http import HttpRequest


def desk_url(request: HttpRequest, path: str) -> str:
    """Return a path's address at `TRADEPOST_URL`. The host that a request names may be anybody's, with any port.

    While the desk is local, it is the host of the request: this machine has several names.
    """
    return request.build_absolute_uri(path) if settings.TRADEPOST_IS_LOCAL else settings.TRADEPOST_URL + path
