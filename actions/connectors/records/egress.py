"""Where a connector may connect: exactly its own host, resolved once, never a private address unless opted in (R-32)."""

import socket
from urllib.parse import urlsplit

import httpx

from accounts.addresses import is_public
from actions.connectors.records.transport import PinnedTransport

__all__ = ["EgressRefused", "client", "is_public"]


class EgressRefused(Exception):
    """The connection's address is not one Remit may connect to."""


def client(base_url: str, *, allow_private: bool, timeout_s: float) -> httpx.Client:
    """An HTTP client for one attempt: no proxies from the environment, no redirects, no retries.

    `timeout_s` is for the whole attempt, connecting included. Raises EgressRefused.
    """
    address = _pinned(base_url, allow_private=allow_private)
    return httpx.Client(
        base_url=base_url,
        headers={"Accept": "application/json", "Accept-Encoding": "identity", "Connection": "close"},
        timeout=httpx.Timeout(timeout_s),
        follow_redirects=False,
        trust_env=False,
        transport=PinnedTransport(address, timeout_s=timeout_s),
    )


def check_base_url(base_url: str) -> tuple[str, str, int]:
    """`(scheme, host, port)` of a base URL. Raises EgressRefused for anything with more in it."""
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise EgressRefused("The connection's base URL is not a URL.") from error
    if not host or parts.scheme not in {"http", "https"}:
        raise EgressRefused("The connection's base URL has no http or https host.")
    if parts.username is not None or parts.query or parts.fragment:
        raise EgressRefused("The connection's base URL has more than a host and a path. Store the secret as a secret.")
    return parts.scheme, host, port


def _pinned(base_url: str, *, allow_private: bool) -> str:
    """The one address to connect to."""
    scheme, host, port = check_base_url(base_url)
    if scheme == "http" and not allow_private:
        raise EgressRefused("The connection uses http. Use https, or allow private addresses for it.")
    return _checked_address(host, port, allow_private=allow_private)


def _checked_address(host: str, port: int, *, allow_private: bool) -> str:
    try:
        found = sorted({str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})
    except (OSError, UnicodeError) as error:
        raise EgressRefused(f"{host} does not resolve.") from error
    for address in found:
        if not allow_private and not is_public(address):
            raise EgressRefused(f"{host} resolves to {address}, which is not a public address.")
    return found[0]
