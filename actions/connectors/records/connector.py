"""The records connector: mint, read, dispatch, revoke. It never retries and never follows a redirect (F-04, V15.3.2)."""

import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx

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
from actions.connectors.records.egress import MAX_ANSWER, EgressRefused, client

TOKEN_TIMEOUT_S = 10.0
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

    def mint(
        self, info: ConnectionInfo, *, scope: Sequence[str], record: str | None, ttl_s: int, reference: str
    ) -> Credential:
        """RFC 6749 client credentials, narrowed to one scope and record. Raises CredentialError."""
        form = {"grant_type": "client_credentials", "scope": " ".join(scope), "ttl": str(ttl_s), "reference": reference}
        if record:
            form["record"] = record
        answer = self._token_request(info, "/oauth/token", form)
        credential = _credential(answer)
        wanted = (tuple(sorted(scope)), record, ttl_s)
        if (tuple(sorted(credential.scope)), credential.record, credential.expires_in_s) != wanted:
            # INVARIANT: a broader credential than decided is never used (F14). Held by tests/connectors/test_mint.py.
            self.revoke(info, credential)
            raise CredentialError("The system minted another credential than was asked for. It was revoked unused.")
        return credential

    def _token_request(self, info: ConnectionInfo, path: str, form: Mapping[str, str]) -> Mapping[str, Any]:
        try:
            with client(info.base_url, allow_private=info.allow_private, timeout_s=TOKEN_TIMEOUT_S) as http:
                response = http.post(path, data=form, auth=(info.client_id, info.client_secret))
                body = response.json() if response.content else {}
        except (httpx.HTTPError, EgressRefused, ValueError) as error:
            raise CredentialError(f"No credential could be minted: {type(error).__name__}.") from error
        if response.status_code != 200 or not isinstance(body, dict):
            raise CredentialError(f"No credential could be minted: the system answered {response.status_code}.")
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
        try:
            with client(info.base_url, allow_private=info.allow_private, timeout_s=timeout_s) as http:
                response = _bounded(http, http.build_request("GET", path, headers=_bearer(credential)))
        except (httpx.HTTPError, EgressRefused) as error:
            raise ReadFailed(f"{path} was not read: {type(error).__name__}.") from error
        if response.status_code in {404, 410}:
            raise RecordGone(f"{path} does not exist there.")
        body = _object(response)
        if response.status_code != 200 or body is None:
            raise ReadFailed(f"{path} was not read: the system answered {response.status_code}.")
        version = response.headers.get("ETag")
        return Snapshot(str(body.get("id", path.rsplit("/", 1)[-1])), path, version, body, datetime.now(UTC))

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
        try:
            with client(info.base_url, allow_private=info.allow_private, timeout_s=timeout_s) as http:
                headers = {**sent.headers, **_bearer(credential)}
                request = http.build_request(sent.method, sent.path, headers=headers, json=sent.body)
                response = _bounded(http, request)
        except NEVER_CONNECTED as error:
            return _outcome("no_effect", started, detail=f"No connection was made ({type(error).__name__}).")
        except httpx.HTTPError as error:
            kind = "no_effect" if operation.write is None else "unknown"
            return _outcome(kind, started, detail=f"The answer did not arrive ({type(error).__name__}).")
        return _classify(operation.write, response, started)


def _bearer(credential: Credential) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential.secret}"}


def _credential(answer: Mapping[str, Any]) -> Credential:
    try:
        return Credential(
            id=str(answer["token_id"]),
            secret=str(answer["access_token"]),
            scope=tuple(str(answer["scope"]).split(" ")),
            record=answer.get("record"),
            expires_in_s=int(answer["expires_in"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CredentialError("The system's token answer could not be read.") from error


def _bounded(http: httpx.Client, request: httpx.Request) -> httpx.Response:
    """The response with at most MAX_ANSWER bytes. Raises httpx.ReadError beyond, as for a cut body."""
    response = http.send(request, stream=True)
    try:
        content = b""
        for chunk in response.iter_raw():
            content += chunk
            if len(content) > MAX_ANSWER:
                raise httpx.ReadError("The answer is larger than 1 MiB.", request=request)
    finally:
        response.close()
    return httpx.Response(response.status_code, headers=response.headers, content=content, request=request)


def _object(response: httpx.Response) -> dict[str, Any] | None:
    try:
        body = json.loads(response.content)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _classify(write: Write | None, response: httpx.Response, started: float) -> Outcome:
    """INVARIANT: only a declared status proves anything. Held by tests/connectors/test_dispatch.py."""
    status, body = response.status_code, _object(response)
    ok = write.ok if write else frozenset({200})
    effect_free = write.effect_free if write else frozenset()
    if status in ok and body is not None:
        return _outcome("done", started, status=status, body=body, detail="")
    if status in effect_free or write is None:
        return _outcome("no_effect", started, status=status, body=body, detail=_said(status, body))
    return _outcome("unknown", started, status=status, body=body, detail=_said(status, body))


def _said(status: int, body: Mapping[str, Any] | None) -> str:
    reason = str((body or {}).get("detail") or (body or {}).get("title") or "no reason given")[:300]
    return f"The system answered {status}: {reason}"


def _outcome(
    kind: Any, started: float, *, status: int | None = None, body: Mapping[str, Any] | None = None, detail: str
) -> Outcome:
    return Outcome(kind, status, body, detail, int((time.monotonic() - started) * 1000))
