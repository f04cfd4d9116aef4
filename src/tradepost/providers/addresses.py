"""Which addresses of providers are public. Only those may be called, unless the operator allows private ones."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

# Each holds an IPv4 address in its last 32 bits: a gateway, or the operating system, passes a request on to it.
_HOLDS_IPV4_LAST = (
    IPv6Network("::/96"),  # "IPv4-compatible", deprecated
    IPv6Network("::ffff:0:0/96"),  # IPv4-mapped
    IPv6Network("::ffff:0:0:0/96"),  # IPv4-translated
    IPv6Network("64:ff9b::/96"),  # NAT64
)
# NAT64 of one network, where the place of the IPv4 address is the network's own affair (RFC 8215); Teredo.
_NEVER = (IPv6Network("64:ff9b:1::/48"), IPv6Network("2001::/32"))
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})  # the third quarter of an address whose last one is an IPv4 address
_QUARTER = 0xFFFF_FFFF
_QUARTER_BITS = 32


def is_public(written: str) -> bool:
    """Return whether an address, and the IPv4 address within it if there is one, is a host's of the open internet."""
    address = ip_address(written)
    if isinstance(address, IPv4Address):
        return _is_global(address)
    if any(address in network for network in _NEVER):
        return False
    if any(address in network for network in _HOLDS_IPV4_LAST):
        return _is_global(_last_quarter(address))
    if address.sixtofour is not None and not _is_global(address.sixtofour):
        return False
    if int(address) >> _QUARTER_BITS & _QUARTER in _ISATAP and not _is_global(_last_quarter(address)):
        return False
    return _is_global(address)


def _last_quarter(address: IPv6Address) -> IPv4Address:
    return IPv4Address(int(address) & _QUARTER)


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    """Python calls multicast and site-local addresses global, too."""
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not address.is_link_local
        and not address.is_unspecified
        and not (isinstance(address, IPv6Address) and address.is_site_local)
    )
