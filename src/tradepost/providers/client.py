"""The client that calls providers: over https, and at no private address, unless the operator allows them."""

import socket

import httpx2
from django.conf import settings

from tradepost.providers.addresses import is_public
from tradepost.providers.models import Provider
from tradepost_client import Client

PLAIN_HTTP = "http:// is not allowed: the API key would travel in clear. Ask the provider for its https:// address."
TIMEOUT = httpx2.Timeout(30, connect=10)


def client_of(provider: Provider) -> Client:
    """Return a client of the provider's panel that never retries.

    Raises `DecryptionError` if the key can't be decrypted, and `ValueError` if the address or key is invalid.
    """
    limits = httpx2.Limits(
        max_connections=provider.parallel_requests,
        max_keepalive_connections=provider.parallel_requests,
        keepalive_expiry=5,
    )
    return Client(
        provider.url,
        provider.key,
        retry=None,
        timeout=TIMEOUT,
        limits=limits,
        transport=GuardedTransport(httpx2.HTTPTransport(limits=limits)),
    )


class GuardedTransport(httpx2.BaseTransport):
    """Resolves a host name once, checks the address, and connects to exactly that address.

    So no host name can lead to a private address (docs/architecture.md, keys and people).
    """

    def __init__(self, inner: httpx2.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request. Raises `ConnectError`, before anything is sent, if the address is not allowed."""
        host = request.url.host
        if request.url.scheme != "https" and not settings.TRADEPOST_PROVIDERS_HTTP:
            raise httpx2.ConnectError(PLAIN_HTTP, request=request)
        if not settings.TRADEPOST_PRIVATE_ADDRESSES:
            address = _public_address(host, request)
            request.extensions = {**request.extensions, "sni_hostname": host}
            request.url = request.url.copy_with(host=address)
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


def _public_address(host: str, request: httpx2.Request) -> str:
    try:
        addresses = socket.getaddrinfo(host, request.url.port or 443, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpx2.ConnectError(f"the name {host} is not known: {error}", request=request) from error
    for *_, address in addresses:
        if not is_public(str(address[0])):
            raise httpx2.ConnectError(f"{host} is at a private address, which is not allowed", request=request)
    return str(addresses[0][4][0])
