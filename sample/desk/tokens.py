"""Short-lived tokens: minted for one scope and record, good for one write, revocable (RFC 6749, RFC 7009)."""

import base64
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sample.desk.problems import Refused
from sample.desk.store import Store

SCOPES = frozenset(
    {"accounts:read", "accounts:write", "orders:read", "refunds:write", "tickets:read", "tickets:write", "mail:send"}
)
MAX_TTL_S = 300


@dataclass(frozen=True, slots=True)
class Client:
    """The one registered client of the desk."""

    id: str
    secret: str

    def check(self, request: Request) -> None:
        """HTTP Basic. Raises Refused 401."""
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        wanted = base64.b64encode(f"{self.id}:{self.secret}".encode()).decode()
        if scheme.lower() != "basic" or not hmac.compare_digest(given.strip(), wanted):
            raise Refused(401, "The client is not known.", WWW_Authenticate='Basic realm="desk"')


@dataclass(frozen=True, slots=True)
class Token:
    id: str
    scope: frozenset[str]
    record: str | None
    reference: str
    writes: int


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def mint(store: Store, client: Client, request: Request) -> Response:
    """POST /oauth/token."""
    client.check(request)
    form = dict(parse_qsl((await request.body()).decode("ascii", "replace"), keep_blank_values=True))
    error = _form_error(form)
    if error:
        return JSONResponse({"error": error[0], "error_description": error[1]}, 400)
    token, now = f"desk_{secrets.token_urlsafe(32)}", time.time()
    token_id, ttl, record = f"tok_{secrets.token_hex(8)}", int(form["ttl"]), form.get("record") or None
    with store.transaction() as db:
        db.execute(
            "INSERT INTO token (id, digest, scope, record, reference, issued_at, expires_at, ttl) VALUES (?,?,?,?,?,?,?,?)",
            (token_id, _digest(token), form["scope"], record, form["reference"], now, now + ttl, ttl),
        )
    body = {"access_token": token, "token_type": "Bearer", "expires_in": ttl, "scope": form["scope"]}
    return JSONResponse({**body, "record": record, "token_id": token_id}, headers={"Cache-Control": "no-store"})


def _form_error(form: dict[str, str]) -> tuple[str, str] | None:
    scopes = form.get("scope", "").split(" ")
    if form.get("grant_type") != "client_credentials":
        return "unsupported_grant_type", "Only client_credentials."
    if not set(scopes) <= SCOPES:
        return "invalid_scope", f"Known scopes: {', '.join(sorted(SCOPES))}."
    ttl = form.get("ttl", "")
    if not ttl.isdigit() or not 1 <= int(ttl) <= MAX_TTL_S:
        return "invalid_request", f"ttl is 1 to {MAX_TTL_S} seconds."
    return None if form.get("reference") else ("invalid_request", "reference is missing.")


async def revoke(store: Store, client: Client, request: Request) -> Response:
    """POST /oauth/revoke: 200 whether or not the token was known."""
    client.check(request)
    form = dict(parse_qsl((await request.body()).decode("ascii", "replace")))
    with store.transaction() as db:
        db.execute(
            "UPDATE token SET revoked_at=? WHERE digest=? AND revoked_at IS NULL",
            (time.time(), _digest(form.get("token", ""))),
        )
    return JSONResponse({})


def check(store: Store, request: Request, *, scope: str, write: bool = False) -> Token:
    """The bearer token of a request, if it may do this here and now. Raises Refused 401 or 403."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    found = store.query("SELECT * FROM token WHERE digest=?", _digest(given.strip()))
    if scheme.lower() != "bearer" or not found:
        raise Refused(401, "The token is not known.", WWW_Authenticate='Bearer realm="desk"')
    row = found[0]
    if row["revoked_at"] is not None or time.time() >= row["expires_at"]:
        raise Refused(401, "The token has ended.", WWW_Authenticate='Bearer error="invalid_token"')
    token = Token(row["id"], frozenset(row["scope"].split(" ")), row["record"], row["reference"], row["writes"])
    _check_right(token, request, scope, write=write)
    return token


def spend(store: Store, token: Token) -> None:
    """Count the one write a token is good for; runs in the write's own transaction."""
    store.query("UPDATE token SET writes=writes+1 WHERE id=?", token.id)


def _check_right(token: Token, request: Request, scope: str, *, write: bool) -> None:
    same_kind = f"{scope.split(':')[0]}:"
    readable = not write and any(held.startswith(same_kind) for held in token.scope)
    if scope not in token.scope and not readable:
        raise Refused(403, f"The token lacks the scope {scope}.", WWW_Authenticate='Bearer error="insufficient_scope"')
    if token.record is not None and not _covers(token.record, request.url.path):
        raise Refused(403, f"The token is bound to {token.record}.")
    if write and token.writes:
        raise Refused(403, "The token was good for one write, which was made.")


def _covers(record: str, path: str) -> bool:
    return path == record or path.startswith(f"{record}/")
