"""The REST surface /api/v1: parse strictly, authenticate, call services, serialise. No rule of its own."""

import logging
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.parser import Parser

from accounts.actors import Caller
from actions.arguments import MOST_PROBLEMS, pointer_of
from gateway import problems, spans, strict_json
from gateway.auth import AgentToken, challenge
from gateway.problems import Problem
from traces.services import record_refused_request

logger = logging.getLogger("remit.gateway")


class StrictParser(Parser):
    """Bodies go through the one strict parser."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Raises Problem 400, 413 or 415."""
        if request.content_type != "application/json":
            raise Problem(415, "not-json", "The body is not JSON", "Send Content-Type: application/json.")
        try:
            return strict_json.parse(request.body)
        except strict_json.TooLarge as error:
            raise Problem(413, "too-large", "The body is too large", str(error)) from error
        except strict_json.BadJSON as error:
            raise Problem(400, "bad-json", "The body cannot be read", str(error)) from error


api = NinjaAPI(
    title="Remit",
    version="1",
    description="Propose tool calls; Remit decides, asks people where policy says so, executes once and keeps the receipts.",
    parser=StrictParser(),
    auth=AgentToken(),
    urls_namespace="api-1",
    docs_url=None,
    openapi_url=None,  # Each agent is given its own (gateway.openapi).
)


def _ledger(request: HttpRequest, problem: Problem) -> None:
    """A refusal of an identified agent is proof too, also where no trace is concerned (negative proof)."""
    caller = getattr(request, "auth", None)
    if isinstance(caller, Caller) and not problem.ledgered and problem.status < 500:
        found = problem.extra.get("problems") or []
        record_refused_request(
            actor=caller.actor, agent=caller.agent, title=problem.title, detail=problem.detail[:1000], problems=found
        )
        problem.ledgered = True


@api.exception_handler(Problem)
def on_problem(request: HttpRequest, error: Problem) -> HttpResponse:
    """Every refusal in one shape, and in the ledger."""
    _ledger(request, error)
    asked = {"WWW-Authenticate": challenge("api/v1", error.kind)} if error.status == 401 else None
    return problems.answer(error, headers=asked)


@api.exception_handler(ValidationError)
def on_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Fields that do not fit, each with its place."""
    found = [{"pointer": _pointer(item["loc"]), "message": f"{item['msg']}."} for item in error.errors[:MOST_PROBLEMS]]
    detail = "; ".join(f"{item['pointer']}: {item['message']}" for item in found[:3])
    return on_problem(request, Problem(422, "invalid", "Some fields do not fit", detail, problems=found))


def _pointer(location: Any) -> str:
    """`("body", "body", "steps", 0, "tool")` as `/steps/0/tool`."""
    parts = [str(part) for part in location]
    return pointer_of(parts[2:] if parts[:1] == ["body"] else parts[1:])


@api.exception_handler(AuthenticationError)
def on_no_token(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    """No bearer token at all."""
    detail = "Send the agent's token as `Authorization: Bearer rmt_…`."
    return on_problem(request, Problem(401, "no-token", "No agent token", detail))


@api.exception_handler(RequestDataTooBig)
def on_far_too_large(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    """More than the server reads at all, so that nobody knows how much."""
    detail = f"Send at most {strict_json.MAX_BYTES:,} bytes."
    return on_problem(request, Problem(413, "too-large", "The body is too large", detail))


@api.exception_handler(OperationalError)
def on_no_database(request: HttpRequest, error: OperationalError) -> HttpResponse:
    """Nothing was decided in anybody's favour: whatever was not committed did not happen."""
    logger.error("The database did not answer a request: %s", type(error.__cause__ or error).__name__)
    return problems.unavailable()


@api.exception_handler(Exception)
def on_failure(request: HttpRequest, error: Exception) -> HttpResponse:
    """A fault of ours, in the shape of every answer; what it was is in the log alone."""
    logger.error("A request failed.", exc_info=error)
    return problems.answer(problems.failed())


@api.exception_handler(HttpError)
def on_http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    """ninja's own refusals; it wraps what the parser raises, so the Problem inside is the answer."""
    if isinstance(error.__cause__, Problem):
        return on_problem(request, error.__cause__)
    return on_problem(request, Problem(error.status_code, "refused", "The request was refused", str(error)))


# Around everything of a route: who calls, what they send, what they are answered.
api.add_decorator(spans.of_request, mode="view")
