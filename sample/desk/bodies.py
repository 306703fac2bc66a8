"""Strict request bodies: one I-JSON object (RFC 7493), no name twice, a size cap."""

import json
from typing import Any

from starlette.requests import Request

from sample.desk.problems import Refused

MAX_BYTES = 64 * 1024


async def bytes_of(request: Request) -> bytes:
    """The body, never more of it than MAX_BYTES in memory. Raises Refused 413."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise Refused(413, f"The body is larger than {MAX_BYTES} bytes.")
    return bytes(body)


async def body_of(request: Request) -> dict[str, Any]:
    """The body as an object. Raises Refused 400, 413, 415 or 422."""
    kind = request.headers.get("Content-Type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(415, "Send application/json.")
    raw = await bytes_of(request)
    try:
        body = json.loads(raw.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
        # What cannot be written back as it came (lone surrogates, numbers too large) is refused before it is stored.
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise Refused(400, "The body is not JSON in UTF-8.") from error
    if not isinstance(body, dict):
        raise Refused(422, "The body is not an object.")
    return body


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refused(400, "A name stands twice in one object.")
    return found


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON.")
