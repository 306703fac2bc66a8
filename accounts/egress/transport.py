"""One TCP connection to one checked address, ended at one deadline. Knows nothing of what is sent over it.

A read time-out alone is no bound: a system that sends a byte a second would outlive the lease (F-03).
"""

import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, Protocol

import httpcore
import httpx

# Of one kept transport: connections, and for how many seconds an unused one is kept.
MOST_AT_ONCE = 32
IDLE_S = 15.0
_KNOWN = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol)


class _Deadline:
    """Seconds left of one attempt, by the monotonic clock."""

    def __init__(self, until: float) -> None:
        self._at = until

    def left(self, error: type[httpcore.TimeoutException]) -> float:
        """Raises the given error when nothing is left."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise error("The attempt's time is over.")
        return left


class _Bounded(Protocol):
    def left(self, error: type[httpcore.TimeoutException]) -> float: ...


_running: ContextVar[_Deadline] = ContextVar("remit_call_deadline")


class CallDeadline(_Deadline):
    """The end of one call over a connection that outlives it."""

    def seconds(self) -> float:
        """Raises httpx.ConnectTimeout when nothing is left."""
        with _as_httpx():
            return self.left(httpcore.ConnectTimeout)

    @contextmanager
    def at_most(self, seconds: float) -> Iterator[None]:
        """What is read and written in it ends that much from now, if the call does not end before."""
        whole, self._at = self._at, min(self._at, time.monotonic() + seconds)
        try:
            yield
        finally:
            self._at = whole

    @contextmanager
    def running(self) -> Iterator[None]:
        """What this thread reads and writes meanwhile ends with this call."""
        token = _running.set(self)
        try:
            yield
        finally:
            _running.reset(token)


class _OfTheCall:
    """Whatever call uses the connection now."""

    def left(self, error: type[httpcore.TimeoutException]) -> float:
        """Raises the given error when nothing is left of the running call."""
        return _running.get().left(error)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, deadline: _Bounded) -> None:
        self._inner, self._deadline = inner, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.left(httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    """Connects to the checked address whatever the host resolves to by now; TLS still checks the host's name."""

    def __init__(self, address: str, deadline: _Bounded) -> None:
        self._inner, self._address, self._deadline = httpcore.SyncBackend(), address, deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(httpcore.ConnectTimeout)
        stream = self._inner.connect_tcp(self._address, port, left, local_address, socket_options)
        return _Stream(stream, self._deadline)


@cache
def _context() -> ssl.SSLContext:
    """Certificates are checked against the bundled authorities; loading them takes longer than a call does."""
    return httpx.create_ssl_context(trust_env=False)


class PinnedTransport(httpx.BaseTransport):
    """For one attempt, which ends at `until` by the monotonic clock."""

    def __init__(self, address: str, *, until: float) -> None:
        backend = _Backend(address, _Deadline(until))
        self._pool = httpcore.ConnectionPool(
            ssl_context=_context(), max_connections=1, max_keepalive_connections=0, retries=0, network_backend=backend
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request. Raises httpx.TransportError."""
        url = httpcore.URL(
            scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path
        )
        assert isinstance(request.stream, httpx.SyncByteStream)
        wire = httpcore.Request(
            request.method, url, headers=request.headers.raw, content=request.stream, extensions=request.extensions
        )
        with _as_httpx():
            answer = self._pool.handle_request(wire)
        assert isinstance(answer.stream, Iterable)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer.stream))

    def close(self) -> None:
        self._pool.close()


class KeptTransport(PinnedTransport):
    """For many calls to one address, each within its own `CallDeadline`; idle connections are dropped after a while."""

    def __init__(self, address: str) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=_context(), max_connections=MOST_AT_ONCE, max_keepalive_connections=MOST_AT_ONCE,
            keepalive_expiry=IDLE_S, retries=0, network_backend=_Backend(address, _OfTheCall()),
        )  # fmt: skip


class _Body(httpx.SyncByteStream):
    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx():
            yield from self._stream

    def close(self) -> None:
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()


@contextmanager
def _as_httpx() -> Iterator[None]:
    """The wire's errors under the names that httpx has for the same thing."""
    try:
        yield
    except _KNOWN as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error
