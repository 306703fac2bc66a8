"""Streamable HTTP: one POST a request over a connection that is kept, in whichever era the server speaks."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from accounts.egress import EgressRefused, Exchange, kept
from actions.connectors.base import ConnectionInfo, Credential
from actions.connectors.mcp.wire import MODERN, Reply, TalkError, agreed, hello, object_of, reply_of, request
from actions.connectors.records.answers import MAX_ANSWER
from actions.connectors.records.connector import NEVER_CONNECTED

MOST_SESSIONS = 256


@dataclass(frozen=True, slots=True)
class Session:
    """What was agreed with a server: the version, and the id it gave in the handshake era."""

    version: str
    id: str = ""

    @property
    def modern(self) -> bool:
        return self.version == MODERN


_sessions: OrderedDict[str, Session] = OrderedDict()
_lock = threading.Lock()


class HttpTalk:
    """Implements `Talk`. What was agreed is remembered for this connection and its secret, and forgotten when refused."""

    def __init__(self, exchange: Exchange, place: str, signed: Mapping[str, str], secrets: tuple[str, ...]) -> None:
        self._exchange, self._place, self._signed, self._secrets = exchange, place, signed, secrets
        self._last = 0

    def ask(self, method: str, params: Mapping[str, object]) -> Reply:
        """Send one request, once. Raises TalkError."""
        return self._asked(self._session(), method, params)

    def ready(self) -> None:
        """Agree with the server, where that is still to be done. Raises TalkError; then no call was sent."""
        try:
            self._session()
        except TalkError as error:
            raise TalkError(str(error), sent=False, status=error.status) from error

    def forget(self) -> None:
        """Agree anew at the next request."""
        with _lock:
            _sessions.pop(self._place, None)

    def _session(self) -> Session:
        with _lock:
            known = _sessions.get(self._place)
        return known or self._agreed()

    def _agreed(self) -> Session:
        session = Session(MODERN) if self._is_modern() else self._shaken()
        with _lock:
            _sessions[self._place] = session
            while len(_sessions) > MOST_SESSIONS:
                _sessions.popitem(last=False)
        return session

    def _is_modern(self) -> bool:
        """Asked by `server/discover`; a server of the handshake era refuses what came before a handshake."""
        try:
            found = self._asked(Session(MODERN), "server/discover", {})
        except TalkError as error:
            if error.status is None or error.status in {401, 403} or error.status >= 500:
                raise
            return False
        versions = (found.result or {}).get("supportedVersions")
        return isinstance(versions, list) and MODERN in versions

    def _shaken(self) -> Session:
        ident, body = self._numbered("initialize", hello(), modern=False)
        reply, headers = self._posted(self._headers(Session(""), "initialize", {}), body, ident)
        session = Session(agreed(reply), _session_id(headers))
        told = request(None, "notifications/initialized", {}, modern=False)
        self._posted(self._headers(session, "notifications/initialized", {}), told, None)
        return session

    def _asked(self, session: Session, method: str, params: Mapping[str, object]) -> Reply:
        ident, body = self._numbered(method, params, modern=session.modern)
        return self._posted(self._headers(session, method, params), body, ident)[0]

    def _numbered(self, method: str, params: Mapping[str, object], *, modern: bool) -> tuple[int, bytes]:
        self._last += 1
        return self._last, request(self._last, method, params, modern=modern)

    def _headers(self, session: Session, method: str, params: Mapping[str, object]) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "Accept-Encoding": "identity",
            **self._signed,
        }
        if session.version:
            headers["MCP-Protocol-Version"] = session.version
        if session.id:
            headers["Mcp-Session-Id"] = session.id
        if session.modern:
            headers["Mcp-Method"] = method
            if "name" in params:
                headers["Mcp-Name"] = str(params["name"])
        return headers

    def _posted(self, headers: Mapping[str, str], body: bytes, ident: int | None) -> tuple[Reply, Mapping[str, str]]:
        """One POST and its answer; a notification's is empty. Raises TalkError."""
        try:
            with self._exchange.post(headers, body) as answer:
                return self._read(answer, ident), answer.headers
        except NEVER_CONNECTED as error:
            raise TalkError(f"No connection was made ({type(error).__name__}).", sent=False) from error
        except httpx.HTTPError as error:
            raise TalkError(f"The answer did not arrive ({type(error).__name__}).") from error

    def _read(self, answer: httpx.Response, ident: int | None) -> Reply:
        parts = _bounded(answer)
        if ident is None and answer.status_code in {200, 202, 204}:
            self._exchange.finish(parts)
            return Reply({})
        if answer.headers.get("content-encoding", "identity").strip().lower() not in {"identity", ""}:
            raise TalkError("The server packed its answer, which was not asked for.")
        kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
        messages = _events(parts) if kind == "text/event-stream" else iter([b"".join(parts)])
        for content in messages:
            reply = reply_of(object_of(content, *self._secrets), ident if ident is not None else 0)
            if reply is not None and (answer.status_code == 200 or reply.result is None):
                self._exchange.finish(parts)
                return reply
        said = "something unreadable" if answer.status_code == 200 else str(answer.status_code)
        status = None if answer.status_code == 200 else answer.status_code
        raise TalkError(f"The server answered {said}.", status=status)


@contextmanager
def http_talk(
    info: ConnectionInfo, signed: Mapping[str, str], credential: Credential, *, timeout_s: float
) -> Iterator[HttpTalk]:
    """A conversation of `timeout_s` seconds with the connection's address. Raises TalkError."""
    if timeout_s <= 0:
        raise TalkError("There was no time left to ask the server.", sent=False)
    # INVARIANT: what is kept open belongs to one connection and one secret. Held by tests/upstreams/test_talking.py.
    place = f"{info.id}:{hashlib.sha256(credential.secret.encode()).hexdigest()}:{info.base_url}"
    try:
        with kept(info.base_url, owner=place, allow_private=info.allow_private, timeout_s=timeout_s) as exchange:
            yield HttpTalk(exchange, place, signed, (credential.secret, info.client_secret))
    except EgressRefused as error:
        raise TalkError(f"No connection was made. {error}", sent=False) from error


def _session_id(headers: Mapping[str, str]) -> str:
    """Raises TalkError for an id that could not stand in a header."""
    found = headers.get("mcp-session-id", "")
    if len(found) > 512 or not (found.isascii() and found.isprintable()):
        raise TalkError("The server's session id cannot be used.")
    return found


def _bounded(answer: httpx.Response) -> Iterator[bytes]:
    """Raises httpx.ReadError beyond MAX_ANSWER bytes."""
    size = 0
    for chunk in answer.stream:  # type: ignore[union-attr]
        size += len(chunk)
        if size > MAX_ANSWER:
            raise httpx.ReadError("The answer is larger than 1 MiB.")
        yield chunk


def _events(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The data of each event of a stream, as it comes; a stream that stays open after the answer is not waited for."""
    rest, data = b"", list[bytes]()
    for part in parts:
        *lines, rest = (rest + part).split(b"\n")
        for line in (one.removesuffix(b"\r") for one in lines):
            if not line and data:
                yield b"\n".join(data)
                data = []
            elif line.startswith(b"data:"):
                data.append(line[5:].removeprefix(b" "))
