"""Where an answer may be sent: over https, or to a program on the person's own machine, by its loopback address or by a scheme
that it registered there and REMIT_APP_SCHEMES lists (RFC 8252, RFC 9700 section 2.1). What listens at either may be another
program than it says: PKCE keeps a code from who did not ask for it, and the page warns of who asks.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from django.conf import settings
from oauth2_provider.models import check_redirect_to_uri_allowed

LOOPBACK = ("127.0.0.1", "::1")
# A name that a machine may resolve as it likes: allowed with its exact port alone, because clients in use know no other way.
LOCALHOST = "localhost"
LONGEST, LONGEST_HOST = 500, 200


class RedirectRefused(ValueError):
    """No answer is sent there. The sentence says what an address has to be."""


def checked_redirect(uri: str) -> str:
    """The address, where an answer may be sent to one like it. Raises RedirectRefused."""
    plain = uri.isascii() and uri.isprintable() and not set(uri) & set(' "#<>\\^`{|}*')
    try:
        parts = urlsplit(uri) if plain and len(uri) <= LONGEST else None
        port = parts.port if parts else None
    except ValueError:  # Brackets that do not fit, a port that is none.
        parts, port = None, None
    if parts is None or not parts.hostname or len(parts.hostname) > LONGEST_HOST or "@" in parts.netloc:
        raise RedirectRefused("A redirect address is a whole URL without user, fragment or wildcard.")
    here = parts.hostname in LOOPBACK or (parts.hostname == LOCALHOST and port is not None)
    if parts.scheme == "https" or (parts.scheme == "http" and here) or parts.scheme in settings.REMIT_APP_SCHEMES:
        return uri
    raise RedirectRefused(
        "A redirect address begins with https:// or a scheme that REMIT_APP_SCHEMES lists, or it is http://127.0.0.1/…, "
        "http://[::1]/… or http://localhost:PORT/…."
    )


def schemes() -> frozenset[str]:
    """What an address can begin with."""
    return frozenset({"https", "http", *settings.REMIT_APP_SCHEMES})


def host_of(uri: str) -> str:
    """Whose an address is, as people read it: a host, or the program that a scheme opens."""
    parts = urlsplit(uri)
    return parts.netloc if parts.scheme in ("https", "http") else f"{parts.scheme}://{parts.netloc}"


def redirect_allowed(uri: str, registered: Iterable[str]) -> bool:
    """Whether it is exactly one of these. On 127.0.0.1 and [::1] the port may be any: a program takes what is free."""
    try:
        checked_redirect(uri)
    except RedirectRefused:
        return False
    known = list(registered)
    return uri in known or bool(check_redirect_to_uri_allowed(uri, [one for one in known if _on_loopback(one)])[0])


def _on_loopback(uri: str) -> bool:
    parts = urlsplit(uri)
    return parts.scheme == "http" and parts.hostname in LOOPBACK
