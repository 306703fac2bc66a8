"""Which network addresses belong to the open internet (R-32). Pure."""

import ipaddress

# The only IPv6 space that is handed out as global unicast. Outside it are the forms that wrap an IPv4 address (mapped,
# compatible, translated, NAT64 and its local prefix) and everything private or reserved, known by name or not yet.
_GLOBAL = ipaddress.IPv6Network("2000::/3")
# Inside it: 6to4, Teredo and the ORCHIDs carry other addresses or none; the last is for documents.
_NOT_ORDINARY = tuple(map(ipaddress.IPv6Network, ("2002::/16", "2001::/23", "3fff::/20")))
# Anycast to 6to4 relays, which unwrap what they get; protocol assignments, where clouds keep metadata of machines.
_NOT_HOSTS = tuple(map(ipaddress.IPv4Network, ("192.88.99.0/24", "192.0.0.0/24")))


def is_public(address: str) -> bool:
    """Whether an address is an ordinary one of the open internet, also when it wraps another.

    INVARIANT: no form of a private address is public. Held by tests/connectors/test_egress.py and tests/notices/test_ssrf.py.
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return is_public(str(parsed.ipv4_mapped))
        if parsed not in _GLOBAL or any(parsed in one for one in _NOT_ORDINARY):
            return False
    elif any(parsed in one for one in _NOT_HOSTS):
        return False
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved
