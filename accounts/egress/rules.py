"""Where a client may connect: exactly the host it was made for, resolved once, never a private address unless opted in (R-32)."""

import socket
import time
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import httpx

from accounts.addresses import is_metadata, is_public
from accounts.egress.transport import PinnedTransport

MAX_URL = 2048


class EgressRefused(Exception):
    """The address is not one Remit may connect to."""


class NotResolved(EgressRefused):
    """The host has no address now. It may have one later; every other refusal stays."""


@dataclass(frozen=True, slots=True)
class Egress:
    """What one kind of caller may reach. `hosts` and `ports`: None is any; a host `*.example.com` is every name below it.

    `allow_private` also allows http and any port: an explicit setting for development and for systems on a private network.
    It never allows an address of a cloud's metadata.
    """

    allow_private: bool = False
    ports: Collection[int] | None = None
    hosts: Collection[str] | None = None

    def check(self, url: str) -> tuple[str, int]:
        """`(host, port)` of a URL this caller may ask, without asking anybody yet. Raises EgressRefused."""
        parts = _parts(url)
        host, port = str(parts.hostname), _port(parts)
        if self.hosts is not None and not any(_matches(host, wanted) for wanted in self.hosts):
            raise EgressRefused(f"{host} is not on the egress list.")
        if parts.scheme == "http" and not self.allow_private:
            raise EgressRefused(f"{host} is asked by http. Use https, or allow private addresses for it.")
        if self.ports is not None and port not in self.ports and not self.allow_private:
            raise EgressRefused(f"{host} is asked on port {port}, which is not a listed port.")
        return host, port

    @staticmethod
    def host_of(url: str) -> str:
        """The host alone, which is all that may be shown of a URL. Raises EgressRefused for what is no URL."""
        return str(_parts(url).hostname)

    def pin(self, url: str) -> str:
        """The one address to connect to. Every address of the host is checked. Raises EgressRefused, NotResolved."""
        host, port = self.check(url)
        try:
            found = sorted({str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})
        except (OSError, UnicodeError) as error:
            raise NotResolved(f"{host} does not resolve.") from error
        for address in found:
            if is_metadata(address):
                raise EgressRefused(f"{host} resolves to {address}, where machines are told their own credentials.")
            if not self.allow_private and not is_public(address):
                raise EgressRefused(f"{host} resolves to {address}, which is not a public address.")
        return found[0]

    def client(self, url: str, *, timeout_s: float) -> httpx.Client:
        """An HTTP client for one attempt: no proxies from the environment, no redirects, no retries.

        `timeout_s` is for the whole attempt, resolving and connecting included. Raises EgressRefused, NotResolved.
        """
        # The clock runs while the name is resolved too: a resolver may take longer than a lease has left.
        until = time.monotonic() + timeout_s
        return httpx.Client(
            base_url=url,
            headers={"Accept": "application/json", "Accept-Encoding": "identity", "Connection": "close"},
            timeout=httpx.Timeout(timeout_s),
            follow_redirects=False,
            trust_env=False,
            transport=PinnedTransport(self.pin(url), until=until),
        )


def client(base_url: str, *, allow_private: bool, timeout_s: float) -> httpx.Client:
    """A client for a connection's base URL. Raises EgressRefused, NotResolved."""
    check_base_url(base_url)
    return Egress(allow_private=allow_private).client(base_url, timeout_s=timeout_s)


def check_base_url(base_url: str) -> tuple[str, str, int]:
    """`(scheme, host, port)` of a base URL. Raises EgressRefused for anything with more in it."""
    parts = _parts(base_url)
    if parts.query or parts.fragment:
        raise EgressRefused("The address has more than a host and a path. Store the secret as a secret.")
    return parts.scheme, str(parts.hostname), _port(parts)


def _parts(url: str) -> SplitResult:
    """The parts of an http or https URL whose host every reader finds in the same place. Raises EgressRefused."""
    plain = url.isascii() and url.isprintable() and not any(character in url for character in ' \\"<>^`{|}')
    if not plain or len(url) > MAX_URL:
        raise EgressRefused("The address is not a URL.")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise EgressRefused("The address is not a URL.") from error
    if not host or parts.scheme not in {"http", "https"}:
        raise EgressRefused("The address has no http or https host.")
    if "@" in parts.netloc:
        raise EgressRefused("The address has more than a host and a path. Store the secret as a secret.")
    return parts


def _port(parts: SplitResult) -> int:
    return parts.port if parts.port is not None else (443 if parts.scheme == "https" else 80)


def _matches(host: str, wanted: str) -> bool:
    name = host.rstrip(".")
    return name.endswith(wanted[1:]) if wanted.startswith("*.") else name == wanted
