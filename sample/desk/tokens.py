"""Short-lived tokens: minted for one scope and record, good for one write, revocable (RFC 6749, RFC 7009)."""

import base64
import hashlib
import hmac
import re
import secrets
import sqlite3
import time
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sample.desk.bodies import bytes_of
from sample.desk.problems import Refused, TokenRefused
from sample.desk.store import Store

SCOPES = frozenset(
    {"accounts:read", "accounts:write", "orders:read", "refunds:read", "refunds:write"}
    | {"tickets:read", "tickets:write", "mail:read", "mail:send"}
)
MAX_TTL_S = 300
SPENT = "The token was good for one write, which was made."
_TTL = re.compile(r"[0-9]{1,3}")
_RECORD = re.compile(r"/[a-z]+/[A-Za-z0-9_]{1,80}")
_REFERENCE = re.compile(r"[A-Za-z0-9._:-]{1,120}")


@dataclass(frozen=True, slots=True)
class Client:
    """The one registered client of the desk."""

    id: str
    secret: str

    def check(self, request: Request) -> None:
        """HTTP Basic. Raises TokenRefused 401."""
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        wanted = base64.b64encode(f"{self.id}:{self.secret}".encode())
        if scheme.lower() != "basic" or not hmac.compare_digest(given.strip().encode(), wanted):
            basic = 'Basic realm="desk"'
            raise TokenRefused(401, "invalid_client", "The client is not known.", WWW_Authenticate=basic)


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
    form = await _form(request)
    error = _form_error(form)
    if error:
        raise TokenRefused(400, *error)
    token, now = f"desk_{secrets.token_urlsafe(32)}", time.time()
    token_id, ttl, record = f"tok_{secrets.token_hex(8)}", int(form["ttl"]), form.get("record") or None
    with store.transaction() as db:
        db.execute(
            "INSERT INTO token (id, digest, scope, record, reference, issued_at, expires_at, ttl) VALUES (?,?,?,?,?,?,?,?)",
            (token_id, _digest(token), form["scope"], record, form["reference"], now, now + ttl, ttl),
        )
    body = {"access_token": token, "token_type": "Bearer", "expires_in": ttl, "scope": form["scope"]}
    return JSONResponse({**body, "record": record, "token_id": token_id}, headers={"Cache-Control": "no-store"})


async def _form(request: Request) -> dict[str, str]:
    """The form parameters, each at most once (RFC 6749 section 3.2). Raises TokenRefused 400."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    pairs = parse_qsl((await bytes_of(request)).decode("ascii", "replace"), keep_blank_values=True)
    if kind != "application/x-www-form-urlencoded" or len({name for name, _ in pairs}) != len(pairs):
        raise TokenRefused(400, "invalid_request", "Send a form with each parameter once.")
    return dict(pairs)


def _form_error(form: dict[str, str]) -> tuple[str, str] | None:
    scopes = form.get("scope", "").split(" ")
    if form.get("grant_type") != "client_credentials":
        return "unsupported_grant_type", "Only client_credentials."
    if not set(scopes) <= SCOPES or len(set(scopes)) != len(scopes):
        return "invalid_scope", f"Known scopes: {', '.join(sorted(SCOPES))}."
    ttl = form.get("ttl", "")
    if not _TTL.fullmatch(ttl) or not 1 <= int(ttl) <= MAX_TTL_S:
        return "invalid_request", f"ttl is 1 to {MAX_TTL_S} seconds."
    if form.get("record") and not _RECORD.fullmatch(form["record"]):
        return "invalid_request", "record is the path of one record, such as /accounts/acct_5521."
    named = _REFERENCE.fullmatch(form.get("reference", ""))
    return None if named else ("invalid_request", "reference is missing, or not a plain id.")


async def revoke(store: Store, client: Client, request: Request) -> Response:
    """POST /oauth/revoke: 200 whether or not the token was known."""
    client.check(request)
    form = await _form(request)
    if not form.get("token"):
        raise TokenRefused(400, "invalid_request", "token is missing.")
    with store.transaction() as db:
        db.execute(
            "UPDATE token SET revoked_at=? WHERE digest=? AND revoked_at IS NULL",
            (time.time(), _digest(form["token"])),
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
    use = (token.id, time.time(), request.method, request.url.path)
    store.query("INSERT INTO token_use (token_id, at, method, path) VALUES (?,?,?,?)", *use)
    return token


def spend(db: sqlite3.Connection, token: Token) -> None:
    """Use up the one write a token is good for, in the write's own transaction. Raises Refused 403.

    `check` ran before the body was read; two writes that passed it together meet here.
    """
    alive = "writes=0 AND revoked_at IS NULL AND expires_at>?"
    done = db.execute(f"UPDATE token SET writes=1 WHERE id=? AND {alive}", (token.id, time.time()))  # noqa: S608
    if done.rowcount != 1:
        raise Refused(403, SPENT, WWW_Authenticate='Bearer error="insufficient_scope"')


def _check_right(token: Token, request: Request, scope: str, *, write: bool) -> None:
    same_kind = f"{scope.split(':')[0]}:"
    readable = not write and any(held.startswith(same_kind) for held in token.scope)
    if scope not in token.scope and not readable:
        raise Refused(403, f"The token lacks the scope {scope}.", WWW_Authenticate='Bearer error="insufficient_scope"')
    if token.record is not None and not _covers(token.record, request.url.path):
        raise Refused(403, f"The token is bound to {token.record}.")
    if write and token.writes:
        raise Refused(403, SPENT, WWW_Authenticate='Bearer error="insufficient_scope"')


def _covers(record: str, path: str) -> bool:
    return path == record or path.startswith(f"{record}/")
