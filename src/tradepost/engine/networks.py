"""Networks of clients, as operators and customers write them."""

from ipaddress import IPv4Network, IPv6Network, ip_network

type Network = IPv4Network | IPv6Network

IPV4_MAPPED = IPv6Network("::ffff:0:0/96")


def read(text: str, *, strict: bool = True) -> Network:
    """Read a network. Raises `ValueError` if it is none, or, with `strict`, if it names an address within a network.

    Clients are known by their IPv4 address where they have one, so an IPv4 network written as IPv6 becomes IPv4.
    """
    network = ip_network(text, strict=strict)
    if isinstance(network, IPv4Network) or not network.subnet_of(IPV4_MAPPED):
        return network
    return IPv4Network((network.network_address.packed[-4:], network.prefixlen - IPV4_MAPPED.prefixlen))
