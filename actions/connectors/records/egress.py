"""Where a connector may connect: exactly its own host, resolved once, never a private address unless opted in (R-32)."""

import ipaddress
import socket
from urllib.parse import urlsplit

import httpx

MAX_ANSWER = 1024 * 1024


class EgressRefused(Exception):
    """The connection's address is not one Remit may connect to."""


def client(base_url: str, *, allow_private: bool, timeout_s: float) -> httpx.Client:
    """An HTTP client for one attempt: no proxies from the environment, no redirects, no retries. Raises EgressRefused."""
    url, headers, extensions = _pinned(base_url, allow_private=allow_private)
    return httpx.Client(
        base_url=url,
        headers={"Accept": "application/json", "Accept-Encoding": "identity", **headers},
        timeout=httpx.Timeout(timeout_s),
        follow_redirects=False,
        trust_env=False,
        event_hooks={"request": [lambda request: request.extensions.update(extensions)]},
    )


def _pinned(base_url: str, *, allow_private: bool) -> tuple[str, dict[str, str], dict[str, str]]:
    """The base URL with its host resolved and checked, the Host header, and the TLS name to check."""
    parts = urlsplit(base_url)
    host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    if host is None or parts.scheme not in {"http", "https"}:
        raise EgressRefused("The connection's base URL has no http or https host.")
    if parts.scheme == "http" and not allow_private:
        raise EgressRefused("The connection uses http. Use https, or allow private addresses for it.")
    address = _checked_address(host, port, allow_private=allow_private)
    literal = f"[{address}]" if ":" in address else address
    return f"{parts.scheme}://{literal}:{port}{parts.path}", {"Host": parts.netloc}, {"sni_hostname": host}


def _checked_address(host: str, port: int, *, allow_private: bool) -> str:
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except OSError as error:
        raise EgressRefused(f"{host} does not resolve.") from error
    for address in sorted(map(str, found)):
        parsed = ipaddress.ip_address(address)
        if not allow_private and not parsed.is_global:
            raise EgressRefused(f"{host} resolves to {address}, which is not a public address.")
    return sorted(map(str, found))[0]
