"""Which network addresses belong to the open internet (R-32). Pure."""

import ipaddress

# IPv6 forms that carry an IPv4 address for a relay to unwrap: NAT64, its local prefix, 6to4, Teredo.
_CARRIERS = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))


def is_public(address: str) -> bool:
    """Whether an address is an ordinary one of the open internet, also when it wraps another.

    INVARIANT: no form of a private address is public. Held by tests/connectors/test_egress.py.
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return is_public(str(parsed.ipv4_mapped))
        if any(parsed in carrier for carrier in _CARRIERS):
            return False
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved
