"""What the desk does with records, refunds and mail."""

import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sample.desk.bodies import body_of
from sample.desk.problems import Refused
from sample.desk.store import Store
from sample.desk.tokens import check, spend

WRITABLE = {
    "accounts": frozenset(
        {"refund_status", "last_contact_reason", "credit_limit", "billing_email", "owner_note", "tier"}
    ),
    "tickets": frozenset({"status", "note"}),
}
# What the desk silently does to a value on its way in.
NORMALISED: dict[str, Callable[[str], str]] = {"last_contact_reason": lambda text: " ".join(text.split()).lower()}
REFUND = frozenset({"order_id", "charge_id", "amount", "currency", "reason"})
MAIL = frozenset({"to", "subject", "body"})


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


async def history(store: Store, request: Request) -> Response:
    """GET who changed what in an account."""
    check(store, request, scope="accounts:read")
    rows = store.query(
        "SELECT at, who, field, old, new FROM history WHERE kind='accounts' AND id=?", request.path_params["id"]
    )
    return JSONResponse({"history": [dict(row) for row in rows]})


async def patch(store: Store, request: Request, kind: str, scope: str) -> Response:
    """PATCH with If-Match: 428 without, 412 when the record moved."""
    id_ = request.path_params["id"]
    token = check(store, request, scope=scope, write=True)
    changed = await body_of(request, known=WRITABLE[kind])
    if_match = request.headers.get("If-Match")
    if if_match is None:
        raise Refused(428, "Send If-Match with the version you read.")
    if not all(isinstance(value, str) for value in changed.values()):
        raise Refused(422, "Every field is a text.")
    with store.transaction() as db:
        body, version = _found(store, kind, id_)
        if if_match != f'"{version}"':
            raise Refused(412, f"The record is at version {version}.")
        spend(store, token)
        for name, value in changed.items():
            stored = NORMALISED.get(name, str)(value)
            db.execute(
                "INSERT INTO history VALUES (?,?,?,?,?,?,?)",
                (kind, id_, now(), token.reference, name, body.get(name), stored),
            )
            body[name] = stored
        store.put(kind, id_, body, version=version + 1)
    return _record(body, version + 1)


async def _once(store: Store, request: Request, body: dict[str, Any], work: Callable[[], dict[str, Any]]) -> Response:
    """Idempotency: same key and body, same answer; same key and another body, 422."""
    key = request.headers.get("Idempotency-Key")
    if not key:
        raise Refused(400, "Send an Idempotency-Key.")
    text = json.dumps(body, sort_keys=True)
    with store.transaction() as db:
        seen = db.execute("SELECT * FROM idempotency WHERE key=?", (key,)).fetchone()
        if seen and (seen["path"], seen["body"]) != (request.url.path, text):
            raise Refused(422, "This key was used with another body.")
        if seen:
            return JSONResponse(json.loads(seen["answer"]), seen["status"], {"Idempotent-Replayed": "true"})
        answer = work()
        db.execute("INSERT INTO idempotency VALUES (?,?,?,?,?)", (key, request.url.path, text, 201, json.dumps(answer)))
    return JSONResponse(answer, 201)


async def refund(store: Store, request: Request) -> Response:
    """POST /refunds: money goes back once per key, never more than was charged."""
    token = check(store, request, scope="refunds:write", write=True)
    body = await body_of(request, known=REFUND, needed=REFUND)

    def work() -> dict[str, Any]:
        spend(store, token)
        return _refund(store, body, request.headers["Idempotency-Key"])

    return await _once(store, request, body, work)


def _refund(store: Store, body: dict[str, Any], key: str) -> dict[str, Any]:
    order, version = _found(store, "orders", str(body["order_id"]))
    charge = next((charge for charge in order["charges"] if charge["id"] == body["charge_id"]), None)
    if charge is None:
        raise Refused(422, f"Order {order['id']} has no charge {str(body['charge_id'])[:40]}.")
    amount = body["amount"]
    if not isinstance(amount, int) or isinstance(amount, bool) or amount <= 0 or body["currency"] != order["currency"]:
        raise Refused(422, "amount is a positive number of minor units in the order's currency.")
    if charge["refunded"] + amount > charge["amount"]:
        raise Refused(422, f"Only {charge['amount'] - charge['refunded']} of this charge is left to refund.")
    charge["refunded"] += amount
    made = {**body, "id": f"re_{secrets.token_hex(4)}", "status": "succeeded", "card": order["card"], "reference": key}
    order["refunds"].append(made["id"])
    store.put("orders", order["id"], order, version=version + 1)
    store.put("refunds", made["id"], made, version=1)
    return made


async def mail(store: Store, request: Request) -> Response:
    """POST /mail: accepted for delivery once per key."""
    token = check(store, request, scope="mail:send", write=True)
    body = await body_of(request, known=MAIL, needed=MAIL)
    if any(not isinstance(value, str) for value in body.values()) or any(
        c in body["to"] + body["subject"] for c in "\r\n"
    ):
        raise Refused(422, "to, subject and body are texts; to and subject have one line.")

    def work() -> dict[str, Any]:
        spend(store, token)
        made = {**body, "id": f"msg_{secrets.token_hex(4)}", "status": "queued", "accepted_at": now()}
        made["reference"] = request.headers["Idempotency-Key"]
        store.put("mail", made["id"], made, version=1)
        return made

    return await _once(store, request, body, work)


async def look_up(store: Store, request: Request, kind: str, scope: str) -> Response:
    """GET /refunds?reference=KEY or /mail?reference=KEY."""
    check(store, request, scope=scope)
    return JSONResponse({kind: store.where(kind, reference=request.query_params.get("reference", ""))})
