"""The generic connector (Z-05): the records engine with the sign-in that a system has, not the one we would like.

`static` sends the connection's own secret in a header; it outlives the attempt, and the ledger says so (`standing`).
`client_credentials` asks a token endpoint for one scope and takes nothing but that scope, but cannot bind a record where
the endpoint has no such parameter. `none` sends nothing.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator

from actions.connectors.base import ConnectionInfo, Credential, CredentialError
from actions.connectors.operation import OperationError
from actions.connectors.records.connector import RecordsConnector, token_of

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "auth": {
            "type": "object",
            "additionalProperties": False,
            "required": ["kind"],
            "properties": {
                "kind": {"enum": ["none", "static", "client_credentials"]},
                "header": {"type": "string", "pattern": r"^[A-Za-z][A-Za-z0-9-]{0,60}\Z"},
                "prefix": {"type": "string", "pattern": r"^[A-Za-z]{0,20}\Z"},
                "token_path": {"type": "string", "pattern": r"^/[A-Za-z0-9_./-]{1,200}\Z"},
                "revoke_path": {"type": "string", "pattern": r"^/[A-Za-z0-9_./-]{1,200}\Z"},
            },
        }
    },
}
_OURS = {"idempotency-key", "x-action-id", "if-match", "host", "content-length", "content-type", "connection"}


@dataclass(frozen=True, slots=True)
class Auth:
    """How a connection signs in."""

    kind: str = "static"
    header: str = "Authorization"
    prefix: str = "Bearer"
    token_path: str = "/oauth/token"  # noqa: S105 - a path
    revoke_path: str = ""


def auth_of(options: Mapping[str, Any]) -> Auth:
    """The sign-in of a connection's options. Raises OperationError naming the option."""
    error = next(iter(Draft202012Validator(SCHEMA).iter_errors(dict(options))), None)
    if error is not None:
        where = ".".join(map(str, error.absolute_path)) or "options"
        raise OperationError(f"{where}: {error.message}.")
    auth = Auth(**options.get("auth", {}))
    if auth.header.lower() in _OURS:
        raise OperationError(f"auth.header: {auth.header} is not for a secret.")
    return auth


class HttpConnector(RecordsConnector):
    """Implements `actions.connectors.base.Connector`."""

    def asks_nobody(self, info: ConnectionInfo) -> bool:
        return _auth(info).kind != "client_credentials"

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
        """What signs one attempt in. Raises CredentialError."""
        auth = _auth(info)
        if auth.kind == "client_credentials":
            return self._asked_for(info, auth, scope, ttl_s, timeout_s)
        secret = info.client_secret if auth.kind == "static" else ""
        name = "sha256:" + hashlib.sha256(f"{info.slug}:{secret}".encode()).hexdigest()[:16]
        return Credential(name, secret, tuple(scope), None, ttl_s, standing=True)

    def _asked_for(
        self, info: ConnectionInfo, auth: Auth, scope: Sequence[str], ttl_s: int, timeout_s: float
    ) -> Credential:
        """RFC 6749 client credentials with one scope. A token that lives longer than the attempt is used only if it can end."""
        form = {"grant_type": "client_credentials", "scope": " ".join(scope)}
        credential, problem = token_of(self._token_request(info, auth.token_path, form, timeout_s), scope)
        wider = set(credential.scope) - set(scope)
        longer = credential.expires_in_s > ttl_s and not auth.revoke_path
        if not problem and not wider and not longer:
            return credential
        if not problem:
            problem = f"The token has more than was asked for: {', '.join(sorted(wider)) or 'a longer life'}."
        revoked = self.revoke(info, credential)
        raise CredentialError(f"{problem} {'It was revoked unused.' if revoked else 'It was not used.'}")

    def revoke(self, info: ConnectionInfo, credential: Credential) -> bool:
        """RFC 7009 where the connection has an endpoint for it; what is standing cannot be ended."""
        auth = _auth(info)
        if credential.standing or not auth.revoke_path:
            return False
        try:
            self._token_request(info, auth.revoke_path, {"token": credential.secret})
        except CredentialError:
            return False
        return True

    def sign(self, info: ConnectionInfo, credential: Credential) -> dict[str, str]:
        """The header that signs in, as the connection's options name it."""
        auth = _auth(info)
        if auth.kind == "none":
            return {}
        return {auth.header: f"{auth.prefix} {credential.secret}".strip()}


def _auth(info: ConnectionInfo) -> Auth:
    try:
        return auth_of(info.options)
    except OperationError as error:
        raise CredentialError(f"The connection's options cannot be used. {error}") from error
