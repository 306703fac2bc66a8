"""The records connector: mint, read, dispatch, revoke. It never retries and never follows a redirect (F-04, V15.3.2)."""

import hashlib
import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx

from accounts.egress import EgressRefused, client, kept
from actions.connectors.base import (
    ConnectionInfo,
    Credential,
    CredentialError,
    Outcome,
    ReadFailed,
    RecordGone,
    Sent,
    Snapshot,
)
from actions.connectors.operation import Operation, OperationError, Write, fill
from actions.connectors.records.answers import MAX_ANSWER, Answer

# Revoking is not bounded by an attempt: it is what ends one.
REVOKE_TIMEOUT_S = 10.0
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{1,4096}=*")  # RFC 6750: what can stand after "Bearer " and nothing else.
# Errors raised before a connection exists: proof that nothing arrived.
NEVER_CONNECTED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    EgressRefused,
)


class RecordsConnector:
    """Implements `actions.connectors.base.Connector`."""

    def asks_nobody(self, info: ConnectionInfo) -> bool:
        return False

    def mint(
        self,
        info: ConnectionInfo,
        *,
        scope: Sequence[str],
        record: str | None,
        ttl_s: int,
        reference: str,
        timeout_s: float,
    ) -> Credential:
        """RFC 6749 client credentials, narrowed to one scope and record. Raises CredentialError."""
        form = {"grant_type": "client_credentials", "scope": " ".join(scope), "ttl": str(ttl_s), "reference": reference}
        if record:
            form["record"] = record
        credential, problem = _credential(self._token_request(info, "/oauth/token", form, timeout_s))
        wanted = (tuple(sorted(scope)), record, ttl_s)
        if not problem and (tuple(sorted(credential.scope)), credential.record, credential.expires_in_s) == wanted:
            return credential
        # INVARIANT: a credential other than decided is never used (F14). Held by tests/connectors/test_mint.py.
        revoked = self.revoke(info, credential)
        end = "It was revoked unused." if revoked else "It was not used; the system did not confirm that it ended."
        raise CredentialError(f"{problem or 'The system minted another credential than was asked for.'} {end}")

    def _token_request(
        self, info: ConnectionInfo, path: str, form: Mapping[str, str], timeout_s: float = REVOKE_TIMEOUT_S
    ) -> Mapping[str, Any]:
        if timeout_s <= 0:
            raise CredentialError("No credential could be minted: there was no time left for it.")
        basic = httpx.BasicAuth(info.client_id, info.client_secret)
        try:
            with client(info.base_url, allow_private=info.allow_private, timeout_s=timeout_s) as http:
                answer = _bounded(http, http.build_request("POST", path, data=form), basic)
        except (httpx.HTTPError, httpx.InvalidURL, EgressRefused) as error:
            raise CredentialError(f"No credential could be minted: {type(error).__name__}.") from error
        body = answer.json_object() if answer.content.strip() else {}
        if answer.status != 200 or body is None:
            raise CredentialError(f"No credential could be minted: the system answered {answer.status}.")
        return body

    def revoke(self, info: ConnectionInfo, credential: Credential) -> bool:
        """RFC 7009. False when it was not confirmed."""
        try:
            self._token_request(info, "/oauth/revoke", {"token": credential.secret})
        except CredentialError:
            return False
        return True

    def read(self, info: ConnectionInfo, path: str, credential: Credential, *, timeout_s: float) -> Snapshot:
        """GET one record with its version. Raises ReadFailed or RecordGone."""
        body, version = _get(info, path, self.sign(info, credential), credential, timeout_s)
        return Snapshot(str(body.get("id", path.rsplit("/", 1)[-1])), path, version, body, datetime.now(UTC))

    def look_up(
        self,
        info: ConnectionInfo,
        operation: Operation,
        arguments: Mapping[str, Any],
        reference: str,
        credential: Credential,
        *,
        timeout_s: float,
    ) -> tuple[Mapping[str, Any], ...]:
        """Everything the system holds under our reference. Raises ReadFailed or OperationError."""
        if operation.look_up is None:
            raise OperationError("operation.look_up: This operation has no look-up, so a person must find out.")
        path = fill(operation.look_up.path, {**arguments, "reference": reference})
        found = _get(info, path, self.sign(info, credential), credential, timeout_s)[0].get(operation.look_up.at)
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise ReadFailed(f"{path} was not read: the answer has no list named {operation.look_up.at}.")
        return tuple(found)

    def sign(self, info: ConnectionInfo, credential: Credential) -> dict[str, str]:
        """The header that signs a request in."""
        return {"Authorization": f"Bearer {credential.secret}"}

    def compose(
        self,
        operation: Operation,
        arguments: Mapping[str, Any],
        fields: Mapping[str, Any],
        *,
        version: str | None,
        idempotency_key: str,
        action_id: str,
    ) -> Sent:
        """The request without its credential. Raises OperationError."""
        write = operation.write
        if write is None:
            assert operation.read is not None
            return Sent("GET", fill(operation.read.path, arguments), {"X-Action-Id": action_id}, None)
        headers = {"X-Action-Id": action_id}
        if write.key_header:
            headers[write.key_header] = idempotency_key
        if write.if_match:
            if version is None:
                raise OperationError("The record has no version, so it cannot be written safely.")
            headers["If-Match"] = version
        body = {"fields": dict(fields), "arguments": dict(arguments), "none": None}[write.body]
        return Sent(write.method, fill(write.path, arguments), headers, body)

    def dispatch(
        self, info: ConnectionInfo, operation: Operation, sent: Sent, credential: Credential, *, timeout_s: float
    ) -> Outcome:
        """Send once and classify what came back."""
        started = time.monotonic()
        headers = {**sent.headers, **self.sign(info, credential)}
        try:
            reads = operation.write is None
            found = _read(info, sent.path, headers, timeout_s) if reads else _wrote(info, sent, headers, timeout_s)
            answer = found.without(credential.secret, info.client_secret)
        except NEVER_CONNECTED as error:
            return _outcome("no_effect", started, detail=f"No connection was made ({type(error).__name__}).")
        except httpx.HTTPError as error:
            kind = "no_effect" if operation.write is None else "unknown"
            return _outcome(kind, started, detail=f"The answer did not arrive ({type(error).__name__}).")
        return _classify(operation.write, answer, started)


def _get(
    info: ConnectionInfo, path: str, signed: Mapping[str, str], credential: Credential, timeout_s: float
) -> tuple[dict[str, Any], str | None]:
    """An object and its version. Raises ReadFailed or RecordGone."""
    try:
        answer = _read(info, path, signed, timeout_s).without(credential.secret, info.client_secret)
    except (httpx.HTTPError, httpx.InvalidURL, EgressRefused) as error:
        raise ReadFailed(f"{path} was not read: {type(error).__name__}.") from error
    if answer.status in {404, 410}:
        raise RecordGone(f"{path} does not exist there.")
    body = answer.json_object()
    if answer.status != 200 or body is None:
        unreadable = "something unreadable" if answer.status == 200 else str(answer.status)
        raise ReadFailed(f"{path} was not read: the system answered {unreadable}.")
    return body, answer.headers.get("etag")


def _credential(answer: Mapping[str, Any]) -> tuple[Credential, str]:
    """The credential of a token answer, and what is wrong with it; what was minted can then still be revoked.

    Raises CredentialError when the answer holds no usable token at all.
    """
    secret, ttl, record = answer.get("access_token"), answer.get("expires_in"), answer.get("record")
    if not isinstance(secret, str) or not _TOKEN.fullmatch(secret):
        raise CredentialError("The system's token answer could not be read.")
    # A system that names its tokens is quoted; otherwise the name is made from the secret, which it does not give away.
    public = str(answer.get("token_id") or "sha256:" + hashlib.sha256(secret.encode()).hexdigest()[:16])
    scope = tuple(str(answer.get("scope", "")).split(" "))
    usable = type(ttl) is int and (record is None or isinstance(record, str)) and secret not in public
    bearer = str(answer.get("token_type", "")).lower() == "bearer"
    problem = "" if usable and bearer else "The system's token answer could not be used."
    return Credential(public, secret, scope, record if usable else None, ttl if type(ttl) is int else 0), problem


def token_of(answer: Mapping[str, Any], scope: Sequence[str]) -> tuple[Credential, str]:
    """The same of an endpoint that need not repeat the scope it gave as asked (RFC 6749 section 5.1). Raises CredentialError."""
    return _credential({"scope": " ".join(scope), **answer})


def _read(info: ConnectionInfo, path: str, headers: Mapping[str, str], timeout_s: float) -> Answer:
    """A GET over a connection that is kept for this system. Nothing of the sign-in stays with it: headers go with each request.

    Raises httpx.HTTPError, httpx.InvalidURL, EgressRefused.
    """
    asked = {"Accept": "application/json", "Accept-Encoding": "identity", **headers}
    with (
        kept(info.base_url, owner=info.id, allow_private=info.allow_private, timeout_s=timeout_s) as exchange,
        exchange.get(path, asked) as response,
    ):
        return _whole(response)


def _wrote(info: ConnectionInfo, sent: Sent, headers: Mapping[str, str], timeout_s: float) -> Answer:
    """What has an effect gets a connection of its own, so that one which never stood proves that nothing arrived (F-02).

    Raises httpx.HTTPError, httpx.InvalidURL, EgressRefused.
    """
    with client(info.base_url, allow_private=info.allow_private, timeout_s=timeout_s) as http:
        return _bounded(http, http.build_request(sent.method, sent.path, headers=dict(headers), json=sent.body))


def _bounded(http: httpx.Client, request: httpx.Request, auth: httpx.Auth | None = None) -> Answer:
    response = http.send(request, stream=True, auth=auth)
    try:
        return _whole(response)
    finally:
        response.close()


def _whole(response: httpx.Response) -> Answer:
    """The answer's raw bytes, at most MAX_ANSWER of them and never unpacked. Raises httpx.ReadError beyond."""
    content = bytearray()
    for chunk in response.iter_raw():
        content += chunk
        if len(content) > MAX_ANSWER:
            raise httpx.ReadError("The answer is larger than 1 MiB.")
    return Answer(response.status_code, dict(response.headers), bytes(content))


def _classify(write: Write | None, answer: Answer, started: float) -> Outcome:
    """INVARIANT: only a declared status proves anything. Held by tests/connectors/test_dispatch.py."""
    status, body = answer.status, answer.json_object()
    ok = write.ok if write else frozenset({200})
    effect_free = write.effect_free if write else frozenset()
    bare = write is not None and status in write.empty and not answer.content
    if status in ok and (body is not None or bare):
        return _outcome("done", started, status=status, body=body or {}, detail="")
    if status in effect_free or write is None:
        return _outcome("no_effect", started, status=status, body=body, detail=_said(status, body))
    return _outcome("unknown", started, status=status, body=body, detail=_said(status, body))


def _said(status: int, body: Mapping[str, Any] | None) -> str:
    if body is None and 200 <= status < 300:
        return f"The system answered {status} with something unreadable."
    # Whole, as every text of an answer, which is bounded itself: it is cut once it is masked (actions.record).
    reason = str((body or {}).get("detail") or (body or {}).get("title") or "no reason given")
    return f"The system answered {status}: {reason}"


def _outcome(
    kind: Any, started: float, *, status: int | None = None, body: Mapping[str, Any] | None = None, detail: str
) -> Outcome:
    return Outcome(kind, status, body, detail, int((time.monotonic() - started) * 1000))
