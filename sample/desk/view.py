"""The page a person sees behind "Open in support desk": one record, plain, without scripts."""

import html
from typing import Any

from starlette.responses import HTMLResponse

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def page(kind: str, id_: str, record: dict[str, Any], version: int) -> HTMLResponse:
    """Every value is text; nothing in a record becomes markup."""
    title = f"{kind[:-1] if kind.endswith('s') else kind} {id_}".capitalize()
    rows = "\n".join(
        f"<tr><th scope=row align=left>{_text(_words(name))}</th><td>{_cell(value)}</td></tr>"
        for name, value in record.items()
    )
    head = f"<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n<title>{_text(title)} - Sample support desk</title>"
    body = f"<h1>{_text(title)}</h1>\n<p>Sample support desk. Version {version}.</p>\n<table>\n{rows}\n</table>"
    return HTMLResponse(f"{head}\n<main>\n{body}\n</main>\n</html>\n", headers=_HEADERS)


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{_text(_words(name))} {_text(str(item))}" for name, item in value.items())
    if isinstance(value, list):
        return "<br>".join(map(_cell, value)) or "none"
    return _text(str(value)) or "empty"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _text(value: str) -> str:
    return html.escape(value)
