"""Which network addresses belong to the open internet (R-32). Pure."""

import ipaddress

# The only IPv6 space that is handed out as global unicast. Outside it are the forms that wrap an IPv4 address (mapped,
# compatible, translated, NAT64 and its local prefix) and everything private or reserved, known by name or not yet.
_GLOBAL = ipaddress.IPv6Network("2000::/3")
# Inside it: 6to4, Teredo and the ORCHIDs carry other addresses or none; the last is for documents.
_NOT_ORDINARY = tuple(map(ipaddress.IPv6Network, ("2002::/16", "2001::/23", "3fff::/20")))
# Anycast to 6to4 relays, which unwrap what they get; protocol assignments, where clouds keep metadata of machines.
_NOT_HOSTS = tuple(map(ipaddress.IPv4Network, ("192.88.99.0/24", "192.0.0.0/24")))

# Where clouds answer a machine with its own credentials: link-local, and those that Azure, AWS and Alibaba took elsewhere.
_METADATA = tuple(
    map(
        ipaddress.ip_network, ("169.254.0.0/16", "fe80::/10", "168.63.129.16/32", "fd00:ec2::/32", "100.100.100.200/32")
    )
)
# NAT64 and 6to4 carry the address they stand for.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_metadata(address: str) -> bool:
    """Whether a machine's own metadata may answer there, also in an address that wraps another. No setting allows these.

    INVARIANT: held by tests/connectors/test_egress.py.
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return any(one in network for one in (parsed, *_wrapped(parsed)) for network in _METADATA)


def _wrapped(parsed: ipaddress.IPv4Address | ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    if isinstance(parsed, ipaddress.IPv4Address):
        return []
    last = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
    compatible = [last] if int(parsed) >> 32 == 0 or parsed in _NAT64 else []
    return [*compatible, *(one for one in (parsed.ipv4_mapped, parsed.sixtofour) if one is not None)]


def is_public(address: str) -> bool:
    """Whether an address is an ordinary one of the open internet, also when it wraps another.

    INVARIANT: no form of a private address is public. Held by tests/connectors/test_egress.py and tests/notices/test_ssrf.py.
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if is_metadata(address):
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return is_public(str(parsed.ipv4_mapped))
        if parsed not in _GLOBAL or any(parsed in one for one in _NOT_ORDINARY):
            return False
    elif any(parsed in one for one in _NOT_HOSTS):
        return False
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved
