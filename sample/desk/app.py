"""The desk's routes."""

from collections.abc import Awaitable, Callable
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sample.desk import handlers, tokens
from sample.desk.bodies import body_of
from sample.desk.faults import KINDS, Faults
from sample.desk.problems import Refused
from sample.desk.store import Store
from sample.desk.view import page

Handler = Callable[[Request], Awaitable[Response]]


def _refusals(handler: Callable[..., Awaitable[Response]], *first: object) -> Handler:
    async def endpoint(request: Request) -> Response:
        try:
            return await handler(*first, request)
        except Refused as refused:
            return refused.answer()

    return endpoint


def _with(handler: Callable[..., Awaitable[Response]], store: Store, kind: str, scope: str) -> Handler:
    async def run(request: Request) -> Response:
        return await handler(store, request, kind, scope)

    return _refusals(run)


async def _view(store: Store, request: Request) -> Response:
    """A plain page for "Open in support desk" links."""
    kind, id_ = request.path_params["kind"], request.path_params["id"]
    found = store.get(kind, id_)
    if found is None:
        raise Refused(404, "There is no such record.")
    return page(kind, id_, *found)


async def _audit(store: Store, client: tokens.Client, request: Request) -> Response:
    """Every token ever minted, without its secret, and every request it was good for."""
    client.check(request)
    rows = store.query(
        "SELECT id, scope, record, reference, ttl, writes, issued_at, expires_at, revoked_at, "
        "(SELECT count(*) FROM token_use WHERE token_id=id) AS uses FROM token ORDER BY issued_at, rowid"
    )
    uses = store.query("SELECT token_id, at, method, path FROM token_use ORDER BY rowid")
    return JSONResponse({"tokens": [dict(row) for row in rows], "uses": [dict(row) for row in uses]})


async def _not_routed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - Starlette calls this for no other.
    return Refused(error.status_code, f"{error.detail}.", **dict(error.headers or {})).answer()


async def _broken(request: Request, error: Exception) -> Response:
    """Starlette raises the error again after this answer, so it is in the log."""
    return Refused(500, "The desk broke while it worked on this.").answer()


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


def build(store: Store, client: tokens.Client, *, faults: bool) -> Faults:
    """The ASGI application."""
    routes = [
        Route("/health", _health),
        Route("/oauth/token", _refusals(tokens.mint, store, client), methods=["POST"]),
        Route("/oauth/revoke", _refusals(tokens.revoke, store, client), methods=["POST"]),
        Route("/accounts", _refusals(handlers.list_accounts, store)),
        Route("/accounts/{id}", _with(handlers.read, store, "accounts", "accounts:read"), methods=["GET"]),
        Route("/accounts/{id}", _with(handlers.patch, store, "accounts", "accounts:write"), methods=["PATCH"]),
        Route("/accounts/{id}/history", _with(handlers.history, store, "accounts", "accounts:read")),
        Route("/orders/{id}", _with(handlers.read, store, "orders", "orders:read")),
        Route("/tickets/{id}", _with(handlers.read, store, "tickets", "tickets:read"), methods=["GET"]),
        Route("/tickets/{id}", _with(handlers.patch, store, "tickets", "tickets:write"), methods=["PATCH"]),
        Route("/tickets/{id}/history", _with(handlers.history, store, "tickets", "tickets:read")),
        Route("/refunds", _refusals(handlers.refund, store), methods=["POST"]),
        Route("/refunds", _with(handlers.look_up, store, "refunds", "refunds:read"), methods=["GET"]),
        Route("/refunds/{id}", _with(handlers.read, store, "refunds", "refunds:read")),
        Route("/mail", _refusals(handlers.mail, store), methods=["POST"]),
        Route("/mail", _with(handlers.look_up, store, "mail", "mail:read"), methods=["GET"]),
        Route("/mail/{id}", _with(handlers.read, store, "mail", "mail:read")),
        Route("/view/{kind}/{id}", _refusals(_view, store)),
        Route("/audit", _refusals(_audit, store, client)),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _not_routed, Exception: _broken})
    layer = Faults(app, enabled=faults)
    if faults:
        app.router.routes.append(Route("/reset", _refusals(_reset, store, layer), methods=["POST"]))
        app.router.routes.append(Route("/faults", _refusals(partial(_order_faults, layer)), methods=["POST"]))
    return layer


async def _order_faults(layer: Faults, request: Request) -> Response:
    asked = await body_of(request)
    kind, count = asked.get("kind"), asked.get("count", 1)
    if kind not in KINDS or type(count) is not int or not 1 <= count <= 100:
        raise Refused(422, f"kind is one of {', '.join(KINDS)}; count is 1 to 100.")
    layer.pending.extend([str(kind)] * count)
    return JSONResponse({"pending": list(layer.pending)})


async def _reset(store: Store, layer: Faults, request: Request) -> Response:
    """Only with --faults: tests start from the seed again."""
    store.seed()
    layer.pending.clear()
    return JSONResponse({"status": "reset"})
