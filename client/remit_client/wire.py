"""What goes over the wire: requests as values, answers checked. No I/O, so that both clients say the same things."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

FINISHED = frozenset(
    [
        "denied",
        "rejected",
        "expired",
        "withdrawn",
        "stale",
        "cancelled",
        "blocked",
        "succeeded",
        "failed",
        "succeeded_attested",
        "failed_attested",
    ]
)
# An unknown outcome is neither: stop waiting and tell a person.
RESTING = FINISHED | {"unknown", "needs_human"}
LONGEST_POLL_S = 25


class RemitError(Exception):
    """Remit refused the request. `problem` is its RFC 9457 body."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status, self.problem = status, problem
        super().__init__(f"{status} {problem.get('title', 'Refused')}: {problem.get('detail', '')}")


@dataclass(frozen=True, slots=True)
class Request:
    """One request to `/api/v1/`."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


def get(path: str, **params: Any) -> Request:
    """A read."""
    return Request("GET", path, params=params)


def post(path: str, body: Mapping[str, Any], idempotency_key: str | None) -> Request:
    """A change under an idempotency key: a fresh one unless given."""
    return Request("POST", path, body, headers={"Idempotency-Key": idempotency_key or str(uuid.uuid4())})


def opening(
    intent: str, on_behalf_of: str | None, sources: Sequence[Mapping[str, Any]], idempotency_key: str | None
) -> Request:
    """Opens a trace. Nobody is named where the token does."""
    named = {} if on_behalf_of is None else {"on_behalf_of": on_behalf_of}
    return post("traces", {"intent": intent, **named, "sources": list(sources)}, idempotency_key)


def calling(
    path: str, trace_id: str, tool: str, arguments: Mapping[str, Any], key: str | None, *, answers: str | None = None
) -> Request:
    """Asks for one tool call (in the place of another, with `answers`), or what would be decided about it."""
    body = {"trace_id": trace_id, "tool": tool, "arguments": dict(arguments)}
    return post(path, {**body, **({"answers": answers} if answers else {})}, key)


def reporting(action_id: str, outcome: str, result: Mapping[str, Any] | None, detail: str, key: str | None) -> Request:
    """Reports what the agent did itself."""
    body = {"outcome": outcome, "result": dict(result or {}), "detail": detail[:500]}
    return post(f"actions/{action_id}/result", body, key)


def options(base_url: str, token: str, timeout_s: float, headers: Mapping[str, str] | None) -> dict[str, Any]:
    """How an HTTP client for one Remit and one agent token is made. Redirects are never followed with the token."""
    return {
        "base_url": f"{base_url.rstrip('/')}/api/v1/",
        "headers": {**(headers or {}), "Authorization": f"Bearer {token}", "Accept": "application/json"},
        "timeout": timeout_s,
        "follow_redirects": False,
    }


def arguments_of(request: Request) -> dict[str, Any]:
    """The request as httpx takes it."""
    found: dict[str, Any] = {"method": request.method, "url": request.path, "headers": dict(request.headers)}
    found |= {"params": dict(request.params)} if request.params else {}
    return found | ({"json": dict(request.body)} if request.body is not None else {})


def answer(response: httpx.Response) -> Mapping[str, Any]:
    """The body of a good answer. Raises RemitError for anything else: what is not clearly an answer is a refusal."""
    try:
        body = response.json()
    except ValueError:
        body = {"title": "Not a JSON answer", "detail": response.text[:200]}
    if response.is_success and isinstance(body, dict):
        return body
    raise RemitError(response.status_code, body if isinstance(body, dict) else {"title": "Not an object"})
