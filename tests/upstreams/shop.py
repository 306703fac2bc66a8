"""A small HTTP service of the tests' own on loopback, and the OpenAPI document that describes it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from actions.importing import import_tools, read_document
from actions.models import Connection, Tool
from actions.offers import Choice
from tests.builders import publish, sample_plain, waive
from tests.upstreams.world import connect

TEXT = (Path(__file__).parent / "shop.yaml").read_text(encoding="utf-8")
READ, CHANGE, REMOVE = "shop.get_order", "shop.change_order", "shop.remove_order"
GET_KEY, PATCH_KEY, DELETE_KEY = (f"{method} /orders/{{OrderId}}" for method in ("GET", "PATCH", "DELETE"))
CHOICES = {
    GET_KEY: Choice("read", "reversible"),
    PATCH_KEY: Choice("write", "irreversible"),
    DELETE_KEY: Choice("write", "irreversible"),
}


class Shop:
    """`asked` is every request as it came: method, path with query, body, and the headers by lower-case name."""

    def __init__(self) -> None:
        self.url = ""
        self.orders: dict[str, dict[str, Any]] = {"o 1": {"id": "o 1", "note": "as it was"}}
        self.asked: list[tuple[str, str, Any, dict[str, str]]] = []
        # What it does otherwise: versions it gives and asks for, fields it takes and drops, removals it only says.
        self.etag, self.drops, self.keeps, self.gone = "", set[str](), False, False


class _Handler(BaseHTTPRequestHandler):
    shop: Shop

    def log_message(self, *args: Any) -> None:
        """Nothing."""

    def _answer(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.shop.asked.append((self.command, self.path, body, {k.lower(): v for k, v in self.headers.items()}))
        order, shop = self.shop.orders["o 1"], self.shop
        if shop.gone or (shop.etag and self.command == "PATCH" and self.headers.get("If-Match") != shop.etag):
            return self._say(404 if shop.gone else 412, b"{}")
        if self.command == "PATCH":
            order |= {name: value for name, value in body.items() if name not in shop.drops}
        shop.gone = self.command == "DELETE" and not shop.keeps
        return self._say(*((204, b"") if self.command == "DELETE" else (200, json.dumps(order).encode())))

    def _say(self, status: int, said: bytes) -> None:
        self.send_response(status)
        if self.shop.etag:
            self.send_header("ETag", self.shop.etag)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_PATCH = do_DELETE = _answer


@contextmanager
def running_shop() -> Iterator[Shop]:
    shop = Shop()
    handler = type("Handler", (_Handler,), {"shop": shop})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    shop.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield shop
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def connect_shop(cast, url: str = "http://127.0.0.1:9") -> Connection:
    return connect(cast, base_url=url, slug="shop", kind="http", options={"auth": {"kind": "static"}})


def bring_shop(cast, connection: Connection, text: str = TEXT, choices=None) -> list[Tool]:
    """Read a document and import from it, as an admin does on the page."""
    ken = cast.actor("ken")
    listing = read_document(actor=ken, connection=connection, text=text)
    return import_tools(actor=ken, connection=connection, digest=listing.digest, choices=choices or CHOICES)


def allow_shop(cast, *, write=("note",)) -> None:
    """Let the refunds role use the tools without asking, and write some fields."""
    plain = sample_plain()
    role = plain["roles"]["refunds"]
    for name in (READ, CHANGE, REMOVE):
        role["tools"][name] = {"mode": "auto"}
        role["fields"][name] = {"read": ["id", "note"], **({"write": list(write)} if name == CHANGE else {})}
    waive(
        plain,
        "write.per_object_scope",
        "write.rollback",
        "write.field_allowlist",
        reason="Nothing of the shop can be held to rows or restored.",
    )
    publish(cast, plain)
