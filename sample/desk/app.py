"""The desk's routes."""

import html
from collections.abc import Awaitable, Callable
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from sample.desk import handlers, tokens
from sample.desk.faults import KINDS, Faults
from sample.desk.problems import Refused
from sample.desk.store import Store

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
    rows = "".join(f"<tr><th>{html.escape(name)}<td>{html.escape(str(value))}" for name, value in found[0].items())
    title = f"{html.escape(kind)} {html.escape(id_)}"
    head = f"<!doctype html><html lang=en><title>{title}</title><h1>{title}</h1>"
    page = f"{head}<p>Sample support desk, version {found[1]}<table>{rows}</table>"
    return HTMLResponse(page, headers={"Content-Security-Policy": "default-src 'none'"})


async def _audit(store: Store, client: tokens.Client, request: Request) -> Response:
    """Every token ever minted, without its secret."""
    client.check(request)
    rows = store.query("SELECT id, scope, record, reference, ttl, writes, revoked_at FROM token ORDER BY issued_at")
    return JSONResponse({"tokens": [dict(row) for row in rows]})


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
        Route("/accounts/{id}/history", _refusals(handlers.history, store)),
        Route("/orders/{id}", _with(handlers.read, store, "orders", "orders:read")),
        Route("/tickets/{id}", _with(handlers.read, store, "tickets", "tickets:read"), methods=["GET"]),
        Route("/tickets/{id}", _with(handlers.patch, store, "tickets", "tickets:write"), methods=["PATCH"]),
        Route("/refunds", _refusals(handlers.refund, store), methods=["POST"]),
        Route("/refunds", _with(handlers.look_up, store, "refunds", "refunds:write"), methods=["GET"]),
        Route("/refunds/{id}", _with(handlers.read, store, "refunds", "refunds:write")),
        Route("/mail", _refusals(handlers.mail, store), methods=["POST"]),
        Route("/mail", _with(handlers.look_up, store, "mail", "mail:send"), methods=["GET"]),
        Route("/mail/{id}", _with(handlers.read, store, "mail", "mail:send")),
        Route("/view/{kind}/{id}", _refusals(_view, store)),
        Route("/audit", _refusals(_audit, store, client)),
    ]
    app = Starlette(routes=routes)
    layer = Faults(app, enabled=faults)
    if faults:
        app.router.routes.append(Route("/reset", _refusals(_reset, store, layer), methods=["POST"]))
        app.router.routes.append(Route("/faults", _refusals(partial(_order_faults, layer)), methods=["POST"]))
    return layer


async def _order_faults(layer: Faults, request: Request) -> Response:
    asked = await request.json()
    if asked.get("kind") not in KINDS:
        raise Refused(422, f"Known faults: {', '.join(KINDS)}.")
    layer.pending.extend([asked["kind"]] * int(asked.get("count", 1)))
    return JSONResponse({"pending": list(layer.pending)})


async def _reset(store: Store, layer: Faults, request: Request) -> Response:
    """Only with --faults: tests start from the seed again."""
    store.seed()
    layer.pending.clear()
    return JSONResponse({"status": "reset"})
