"""The addresses of clients, as a connection or a trusted proxy names them.

A listener on `::` sees the IPv4 client 192.0.2.1 as `::ffff:192.0.2.1`. Here that becomes 192.0.2.1 again, once, so
that limits, networks of keys and logs know a client by one address only.
"""

import ipaddress

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware, _TrustedHosts


def without_mapping(host: str) -> str:
    """Return an IPv4 address that is written as IPv6 as IPv4; anything else as it is."""
    if ":" not in host:
        return host
    try:
        mapped = ipaddress.IPv6Address(host).ipv4_mapped
    except ValueError:  # a proxy may name anything
        return host
    return str(mapped) if mapped else host


class TrustedProxies(_TrustedHosts):
    """The networks of the proxies whose word on a client's address counts."""

    def get_trusted_client_address(self, x_forwarded_for: str) -> tuple[str, int]:
        """Return the last address that is no proxy's, and its port; 0 without one."""
        host, port = super().get_trusted_client_address(x_forwarded_for)
        return without_mapping(host), port

    def _compute_trust(self, host: str) -> bool:
        return super()._compute_trust(without_mapping(host))


class ForwardedFor(ProxyHeadersMiddleware):
    """The ASGI middleware that puts the client's address and scheme in place of the proxy's."""

    def __init__(self, app: object, proxies: list[str]) -> None:
        super().__init__(app, proxies)  # type: ignore[arg-type] # uvicorn's ASGI types are narrower than ours
        self.trusted_hosts = TrustedProxies(proxies)
