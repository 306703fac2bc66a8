"""RFC 9457 problem answers: one shape for every refusal, with the trace when there is one."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

CONTENT_TYPE = "application/problem+json"


class Problem(Exception):
    """A refusal to answer with. `kind` is the last part of the type URI; `title` is stable, `detail` is the sentence."""

    def __init__(self, status: int, kind: str, title: str, detail: str, **extra: Any) -> None:
        self.status, self.kind, self.title, self.detail, self.extra = status, kind, title, detail, extra
        # Whether the refusal stands in the ledger already.
        self.ledgered = False
        super().__init__(detail)

    def body(self) -> dict[str, Any]:
        """The problem document. `trace_id` is null where no trace is concerned."""
        return {
            "type": f"urn:remit:problem:{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "trace_id": None,
            **self.extra,
        }


def absent(noun: str) -> Problem:
    """What is not there and what is another agent's look alike."""
    return Problem(404, f"no-such-{noun}", f"There is no such {noun}", f"This agent has no {noun} of that id.")


def failed() -> Problem:
    """A fault of ours; what it was is in the log alone."""
    return Problem(500, "failed", "Remit failed", "This is a fault of Remit's. It is in its log.")


def not_understood() -> Problem:
    """A request that was refused before anything read it; which part it was is in the log alone."""
    return Problem(400, "bad-request", "The request cannot be read", "It is too large, damaged, or for another host.")


def unavailable(why: str = "Remit's database did not answer.") -> JsonResponse:
    """The database does not answer or gave up, or there is no room: 503, and when to ask again. What was recorded stands."""
    detail = f"{why} Ask again in a moment, with the same Idempotency-Key if you sent one."
    return answer(Problem(503, "unavailable", "Remit is not available", detail), headers={"Retry-After": "5"})


def answer(problem: Problem, *, headers: Mapping[str, str] | None = None) -> JsonResponse:
    """The HTTP answer of a problem."""
    return JsonResponse(problem.body(), status=problem.status, content_type=CONTENT_TYPE, headers=dict(headers or {}))


def of_method(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A view whose 405, which the library answers in words of its own, is a problem."""

    @wraps(view)
    def shaped(request: HttpRequest, *args: Any, **named: Any) -> HttpResponse:
        found = view(request, *args, **named)
        if found.status_code != 405:
            return found
        allowed = found["Allow"]
        problem = Problem(405, "no-such-method", "This address takes no such method", f"It takes {allowed}.")
        return answer(problem, headers={"Allow": allowed})

    return shaped


def no_such_address() -> JsonResponse:
    """Nothing is at this address for an agent."""
    detail = "openapi.json says which there are."
    return answer(Problem(404, "no-such-address", "There is nothing at this address", detail))
