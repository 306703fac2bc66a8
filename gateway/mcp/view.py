"""The endpoint: a plain async view over one POST. Who calls, what they send, then the protocol.

Nothing is kept between calls.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.request import validate_host
from django.views.decorators.csrf import csrf_exempt
from mcp_types.jsonrpc import INTERNAL_ERROR, INVALID_REQUEST, PARSE_ERROR
from opentelemetry.trace import Span

from accounts import telemetry
from accounts.access import AgentAuthFailed, authenticate_agent
from accounts.kept_statements import planned_once
from gateway import problems, room
from gateway.auth import challenge, scope_challenge
from gateway.mcp import progress, spans, wire
from gateway.mcp.governed import Governed
from gateway.mcp.protocol import dressed, respond
from gateway.mcp.toolbox import Hold, OutOfScope, Result, Toolbox
from gateway.mcp.wire import Fault, Message
from gateway.problems import Problem

logger = logging.getLogger("remit.gateway")
POLL_S = 0.25
Door = Callable[[str], Toolbox]
Taken = tuple[Message, Result | Hold, Span]


def agents_only(token: str) -> Toolbox:
    """The door of the product: an agent's token opens that agent's tools. Raises AgentAuthFailed."""
    return Governed(authenticate_agent(token, audience=settings.REMIT_AUDIENCE_MCP))


def endpoint(door: Door) -> Callable[[HttpRequest], Any]:
    """The view behind a door."""

    async def mcp(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        """POST is all there is: no stream to resume and no session to end."""
        if request.method != "POST":
            return HttpResponse(status=405, headers={"Allow": "POST"})
        try:
            taken = await sync_to_async(_take)(request, door)
            return taken if isinstance(taken, HttpResponse) else await _sent(request, *taken)
        except room.Full:
            return room.refused()
        except OperationalError:
            return problems.unavailable()
        except Exception:
            # A fault of ours, in the shape of every answer; what it was is in the log alone.
            logger.exception("An MCP request failed.")
            return JsonResponse(
                Fault(INTERNAL_ERROR, "This is a fault of Remit's. It is in its log.").body(), status=500
            )

    return csrf_exempt(mcp)


async def _sent(
    request: HttpRequest, message: Message, found: Result | Hold, span: Span
) -> HttpResponse | StreamingHttpResponse:
    """The answer, when it is there; a client that asked for it hears meanwhile that it is coming."""
    token = progress.token_of(message, found, request.headers)
    if token is not None and isinstance(found, Hold):
        return progress.stream(_told_meanwhile(message, found, span, progress.Notices(token, found)))
    with telemetry.current(span):
        return _answer(message, await _settled(found))


def _answer(message: Message, found: Result) -> HttpResponse:
    """A call beyond the token's scope is 403, so that a client that signs people in asks them for more; its result stands in it
    all the same, for those that cannot."""
    if isinstance(found, OutOfScope):
        asked = {"WWW-Authenticate": scope_challenge("mcp", found.scope)}
        return JsonResponse(dressed(message, found), status=403, headers=asked)
    return JsonResponse(dressed(message, found))


async def _settled(found: Result | Hold) -> Result:
    """Wait for a held answer without holding a thread."""
    deadline = _deadline(found)
    while isinstance(found, Hold):
        found = await _later(found, deadline)
    spans.answered(found)
    return found


async def _told_meanwhile(
    message: Message, found: Result | Hold, span: Span, notices: progress.Notices
) -> AsyncIterator[bytes]:
    """The same wait as events. What goes wrong after the first of them can only be told as the last one."""
    deadline = _deadline(found)
    with telemetry.current(span):
        try:
            while isinstance(found, Hold):
                if notice := notices.due():
                    yield progress.event(notice)
                found = await _later(found, deadline)
            spans.answered(found)
            yield progress.event(dressed(message, found))
        except OperationalError:
            telemetry.failed(span, "unavailable")
            yield progress.event(_gone(message))


def _deadline(found: Result | Hold) -> float:
    return time.monotonic() + (found.seconds if isinstance(found, Hold) else 0)


async def _later(held: Hold, deadline: float) -> Result | Hold:
    await asyncio.sleep(POLL_S)
    return await sync_to_async(_look_again)(held, over=time.monotonic() >= deadline)


def _gone(message: Message) -> dict[str, Any]:
    """The database did not answer during the wait. What was recorded stands, and the same call finds it."""
    fault = Fault(INTERNAL_ERROR, "Remit's database did not answer. Send exactly this call again in a moment.")
    fault.id = message.id
    return fault.body()


def _look_again(held: Hold, *, over: bool) -> Result | Hold:
    """One look; connection and place are given back until the next, so that waiting agents hold none."""
    with room.taken(), planned_once():
        return held.again(over)


def _take(request: HttpRequest, door: Door) -> HttpResponse | Taken:
    """Everything up to the first answer, in one thread."""
    refusal = _refusal(request)
    if refusal is not None:
        return refusal
    try:
        token = _bearer(request)
        with room.taken(), planned_once():
            return _answered(request, door(token))
    except AgentAuthFailed as failure:
        problem = Problem(401, failure.kind, "The agent token was refused", str(failure))
        return problems.answer(problem, headers={"WWW-Authenticate": challenge("mcp", failure.kind)})


def _answered(request: HttpRequest, box: Toolbox) -> HttpResponse | Taken:
    try:
        body = wire.parse(_raw(request))
        if wire.is_notification(body):
            return HttpResponse(status=202)
        message = wire.read(body, request.headers)
        return _responded(message, box, request)
    except Fault as fault:
        if fault.ledgered:
            box.refused(fault)
        return JsonResponse(fault.body(), status=fault.status)


def _responded(message: Message, box: Toolbox, request: HttpRequest) -> Taken:
    """The first answer, inside the span of the message, which goes on while the answer is held. Raises Fault."""
    span = spans.begun(message, request.headers)
    try:
        with telemetry.current(span, end=False):
            return message, respond(message, box, request.headers), span
    except BaseException as error:
        spans.refused(span, error)
        raise


def _raw(request: HttpRequest) -> bytes:
    try:
        return request.body
    except RequestDataTooBig as error:
        raise Fault(PARSE_ERROR, "The body is too large. Send at most 65,536 bytes.", status=413) from error


def _refusal(request: HttpRequest) -> HttpResponse | None:
    """What no caller may send: another site's page asking through its reader's browser (10.3.3), or a body that is not JSON."""
    origin = request.headers.get("Origin")
    if origin is not None and not validate_host(_host_of(origin), settings.ALLOWED_HOSTS):
        fault = Fault(INVALID_REQUEST, "This origin may not call Remit.", status=403)
        return JsonResponse(fault.body(), status=403)
    if request.content_type != "application/json":
        fault = Fault(INVALID_REQUEST, "The body is not JSON. Send Content-Type: application/json.", status=415)
        return JsonResponse(fault.body(), status=415)
    return None


def _host_of(origin: str) -> str:
    """Its host; "" for what is no origin, which no list of hosts holds."""
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""


def _bearer(request: HttpRequest) -> str:
    """The token of the header; cookies and query strings are never read (M-02). Raises AgentAuthFailed."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise AgentAuthFailed("no-token", "Send the agent's token as `Authorization: Bearer rmt_…`.")
    return token.strip()


mcp = endpoint(agents_only)
