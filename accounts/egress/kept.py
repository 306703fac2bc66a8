"""Connections that stay open between calls, to systems that are called often: no new TLS handshake for each (R-32, F-03).

Every call resolves and checks the host anew, and has a deadline of its own; a connection is reused only while its address is
still the one that was checked. Nothing is retried, no cookie is kept, no redirect is followed.
"""

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress

import httpx

from accounts.egress.rules import Egress, check_base_url
from accounts.egress.transport import CallDeadline, KeptTransport

MOST_OPEN = 64
DRAIN_S = 0.25
Place = tuple[int, str, str, str, int, str]


class _Entry:
    """The transport of one place, and how many calls use it now."""

    def __init__(self, address: str) -> None:
        self.transport, self.users = KeptTransport(address), 0


_open: OrderedDict[Place, _Entry] = OrderedDict()
_lock = threading.Lock()


class Exchange:
    """One call's use of a kept connection: requests to one origin until one deadline."""

    def __init__(self, transport: KeptTransport, base_url: str, deadline: CallDeadline) -> None:
        self._transport, self._base_url, self._deadline = transport, base_url, deadline

    def finish(self, rest: Iterable[bytes]) -> None:
        """Read what follows an answer that is whole, for a moment only: an answer read to its end leaves its connection open."""
        with self._deadline.at_most(DRAIN_S), suppress(httpx.HTTPError):
            for _ in rest:
                pass

    @contextmanager
    def post(self, headers: Mapping[str, str], content: bytes) -> Iterator[httpx.Response]:
        """The answer to one POST to the address itself, its body still on the wire. Raises httpx.TransportError."""
        with self._answered(httpx.Request("POST", self._base_url, headers=dict(headers), content=content)) as answer:
            yield answer

    @contextmanager
    def get(self, path: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        """The answer to a GET of a path below the address. Raises httpx.TransportError, httpx.InvalidURL."""
        base, below = httpx.URL(self._base_url), httpx.URL(path)
        url = base.copy_with(raw_path=base.raw_path.rstrip(b"/") + b"/" + below.raw_path.lstrip(b"/"))
        with self._answered(httpx.Request("GET", url, headers=dict(headers))) as answer:
            yield answer

    @contextmanager
    def _answered(self, request: httpx.Request) -> Iterator[httpx.Response]:
        request.extensions["timeout"] = {"pool": self._deadline.seconds()}
        with self._deadline.running():
            answer = self._transport.handle_request(request)
            try:
                yield answer
            finally:
                answer.close()


@contextmanager
def kept(base_url: str, *, owner: str, allow_private: bool, timeout_s: float) -> Iterator[Exchange]:
    """An exchange with `base_url` for `timeout_s` seconds, resolving included, over a connection of `owner` alone.

    Raises EgressRefused, NotResolved.
    """
    deadline = CallDeadline(time.monotonic() + timeout_s)
    scheme, host, port = check_base_url(base_url)
    address = Egress(allow_private=allow_private).pin(base_url)
    entry = _taken((os.getpid(), owner, scheme, host, port, address), address)
    try:
        yield Exchange(entry.transport, base_url, deadline)
    finally:
        with _lock:
            entry.users -= 1


def _taken(place: Place, address: str) -> _Entry:
    """The entry of a place, made where there is none; the longest unused ones make room."""
    with _lock:
        entry = _open.setdefault(place, _Entry(address))
        entry.users += 1
        _open.move_to_end(place)
        for old in [key for key, one in _open.items() if not one.users][: max(0, len(_open) - MOST_OPEN)]:
            _open.pop(old).transport.close()
    return entry
