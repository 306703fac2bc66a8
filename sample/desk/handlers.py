"""What the desk does with records, refunds and mail."""

import json
import re
import secrets
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sample.desk import fields
from sample.desk.bodies import body_of
from sample.desk.problems import Refused
from sample.desk.store import Store
from sample.desk.tokens import check, spend

_KEY = re.compile(r"[A-Za-z0-9._:-]{1,120}")


_HISTORY = "SELECT at, who, field, old, new FROM history WHERE kind=? AND id=?"
Work = Callable[[sqlite3.Connection], dict[str, Any]]


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _found(store: Store, kind: str, id_: str) -> tuple[dict[str, Any], int]:
    found = store.get(kind, id_)
    if found is None:
        raise Refused(404, f"There is no {kind[:-1]} {id_[:40]}.")
    return found


def _record(body: dict[str, Any], version: int) -> Response:
    return JSONResponse(body, headers={"ETag": f'"{version}"'})


async def read(store: Store, request: Request, kind: str, scope: str) -> Response:
    """GET one record with its version."""
    check(store, request, scope=scope)
    return _record(*_found(store, kind, request.path_params["id"]))


async def list_accounts(store: Store, request: Request) -> Response:
    """GET /accounts?region=EU."""
    check(store, request, scope="accounts:read")
    region = request.query_params.get("region")
    rows = store.where("accounts", **({"region": region} if region else {}))
    return JSONResponse({"accounts": rows})


async def history(store: Store, request: Request, kind: str, scope: str) -> Response:
    """GET who changed what in a record, oldest first; `?reference=` asks for what one token's reference did."""
    check(store, request, scope=scope)
    id_ = request.path_params["id"]
    _found(store, kind, id_)
    rows = [dict(row) for row in store.query(f"{_HISTORY} ORDER BY rowid", kind, id_)]
    reference = request.query_params.get("reference")
    return JSONResponse({"history": [row for row in rows if reference in (None, row["who"])]})


async def patch(store: Store, request: Request, kind: str, scope: str) -> Response:
    """PATCH with If-Match: 428 without, 412 when the record moved."""
    id_ = request.path_params["id"]
    token = check(store, request, scope=scope, write=True)
    given = await body_of(request)
    fields.check(given, fields.WRITABLE[kind], complete=False)
    if_match = request.headers.get("If-Match")
    if if_match is None:
        raise Refused(428, "Send If-Match with the version you read.")
    with store.transaction() as db:
        body, version = _found(store, kind, id_)
        if if_match != f'"{version}"':
            raise Refused(412, f"The record is at version {version}.")
        spend(db, token)
        stored = {name: fields.stored_form(name, value) for name, value in given.items()}
        changed = {name: value for name, value in stored.items() if body[name] != value}
        for name, value in changed.items():
            row = (kind, id_, now(), token.reference, name, body[name], value)
            db.execute("INSERT INTO history VALUES (?,?,?,?,?,?,?)", row)
        # A write of what stands there already leaves no history and no new version, as in many real systems.
        body, version = {**body, **changed}, version + bool(changed)
        store.put(kind, id_, body, version=version)
    return _record(body, version)


def _key(request: Request) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if not _KEY.fullmatch(key):
        raise Refused(400, "Send an Idempotency-Key: 1 to 120 letters, digits or . _ : -")
    return key


async def _once(store: Store, request: Request, status: int, body: dict[str, Any], work: Work) -> Response:
    """Idempotency: same key and body, same answer; same key and another body, 422."""
    key = _key(request)
    text = json.dumps(body, sort_keys=True)
    with store.transaction() as db:
        seen = db.execute("SELECT * FROM idempotency WHERE key=?", (key,)).fetchone()
        if seen and (seen["path"], seen["body"]) != (request.url.path, text):
            raise Refused(422, "This key was used with another body.")
        if seen:
            return JSONResponse(json.loads(seen["answer"]), seen["status"], {"Idempotent-Replayed": "true"})
        answer = work(db)
        row = (key, request.url.path, text, status, json.dumps(answer))
        db.execute("INSERT INTO idempotency VALUES (?,?,?,?,?)", row)
    return JSONResponse(answer, status)


async def refund(store: Store, request: Request) -> Response:
    """POST /refunds: money goes back once per key, never more than was charged."""
    token = check(store, request, scope="refunds:write", write=True)
    body = await body_of(request)
    fields.check(body, fields.REFUND, complete=True)

    def work(db: sqlite3.Connection) -> dict[str, Any]:
        spend(db, token)
        return _refund(store, body, _key(request))

    return await _once(store, request, 201, body, work)


def _refund(store: Store, body: dict[str, Any], key: str) -> dict[str, Any]:
    order, version = _found(store, "orders", body["order_id"])
    charge = next((charge for charge in order["charges"] if charge["id"] == body["charge_id"]), None)
    if charge is None:
        raise Refused(422, f"Order {order['id']} has no charge {body['charge_id'][:40]}.")
    amount = body["amount"]
    if body["currency"] != order["currency"]:
        raise Refused(422, f"currency is not {order['currency']}, which order {order['id']} was charged in.")
    if charge["refunded"] + amount > charge["amount"]:
        raise Refused(422, f"Only {charge['amount'] - charge['refunded']} of this charge is left to refund.")
    charge["refunded"] += amount
    made = {**body, "id": f"re_{secrets.token_hex(4)}", "status": "succeeded", "card": order["card"], "reference": key}
    order["refunds"].append(made["id"])
    store.put("orders", order["id"], order, version=version + 1)
    store.put("refunds", made["id"], made, version=1)
    return made


async def mail(store: Store, request: Request) -> Response:
    """POST /mail: accepted for delivery (202, not delivered) once per key, which also names the message."""
    token = check(store, request, scope="mail:send", write=True)
    body = await body_of(request)
    fields.check(body, fields.MAIL, complete=True)

    def work(db: sqlite3.Connection) -> dict[str, Any]:
        spend(db, token)
        made = {**body, "id": f"msg_{secrets.token_hex(4)}", "status": "queued", "accepted_at": now()}
        made |= {"reference": _key(request), "message_id": f"<{_key(request)}@desk.example>"}
        store.put("mail", made["id"], made, version=1)
        return made

    return await _once(store, request, 202, body, work)


async def look_up(store: Store, request: Request, kind: str, scope: str) -> Response:
    """GET /refunds?reference=KEY or /mail?reference=KEY."""
    check(store, request, scope=scope)
    reference = request.query_params.get("reference", "")
    if not reference:
        raise Refused(400, "Say which reference.")
    return JSONResponse({kind: store.where(kind, reference=reference)})
