"""Strict request bodies: one JSON object, no name twice, a size cap, known fields only."""

import json
from typing import Any

from starlette.requests import Request

from sample.desk.problems import Refused

MAX_BYTES = 64 * 1024


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise Refused(400, "A name stands twice in one object.")
    return dict(pairs)


async def body_of(request: Request, *, known: frozenset[str], needed: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The body as an object of known fields. Raises Refused 400, 413 or 422."""
    raw = await request.body()
    if len(raw) > MAX_BYTES:
        raise Refused(413, "The body is too large.")
    try:
        body = json.loads(raw, object_pairs_hook=_once)
    except ValueError as error:
        raise Refused(400, "The body is not JSON.") from error
    if not isinstance(body, dict):
        raise Refused(422, "The body is not an object.")
    if set(body) - known or needed - set(body):
        unknown, missing = sorted(set(body) - known), sorted(needed - set(body))
        raise Refused(
            422, f"Unknown fields: {', '.join(unknown) or 'none'}. Missing fields: {', '.join(missing) or 'none'}."
        )
    return body
