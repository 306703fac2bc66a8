"""Spans for operators (OpenTelemetry) and the trace context of callers (W3C). The trace of record is the ledger.

Without a configured receiver nothing is kept or sent (`console.telemetry`). Nothing here is read back to decide anything.

INVARIANT: spans carry names of our own, ids, states and counts; no argument, result, intent, token or exception text. Held by
tests/gateway/test_spans.py.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

SERVER, INTERNAL = SpanKind.SERVER, SpanKind.INTERNAL
ERROR = "error.type"
Value = str | int | bool
_tracer = trace.get_tracer("remit")
_w3c = TraceContextTextMapPropagator()


def caller_context(carrier: Mapping[str, Any]) -> Context:
    """The caller's span, from `traceparent` and `tracestate`; empty for what is missing or malformed: it never refuses a call."""
    said = {name: carrier.get(name) for name in ("traceparent", "tracestate")}
    return _w3c.extract({name: value for name, value in said.items() if isinstance(value, str)}, context=Context())


def begin(name: str, *, parent: Context, **more: Any) -> Span:
    """A span that its caller ends."""
    return _tracer.start_span(name, context=parent, **more)


@contextmanager
def current(span: Span, *, end: bool = True) -> Iterator[Span]:
    """Make a span the current one. An error that passes is told by the name of its class: its text may hold values."""
    with trace.use_span(span, end_on_exit=end, record_exception=False, set_status_on_exception=False):
        try:
            yield span
        except BaseException as error:
            failed(span, type(error).__name__)
            raise


@contextmanager
def inside(name: str, *, after: str = "", said: Mapping[str, Value] | None = None) -> Iterator[Span]:
    """A span inside the current one. `after` is the traceparent of what led to it: linked, where that is another trace.

    What waits for people for hours is two traces joined by a link, not one open span.
    """
    then = _elsewhere(after) if after else None
    links = [Link(then)] if then else []
    with current(_tracer.start_span(name, kind=INTERNAL, links=links, attributes=said)) as span:
        yield span


def _elsewhere(traceparent: str) -> trace.SpanContext | None:
    then = trace.get_current_span(caller_context({"traceparent": traceparent})).get_span_context()
    now = trace.get_current_span().get_span_context()
    return then if then.is_valid and then.trace_id != now.trace_id else None


def here() -> str:
    """The current span as a traceparent of 55 characters; "" where there is none."""
    carrier: dict[str, str] = {}
    _w3c.inject(carrier)
    return carrier.get("traceparent", "")


def note(attributes: Mapping[str, Value]) -> None:
    """Say more of the current span; where nobody listens this does nothing."""
    trace.get_current_span().set_attributes(attributes)


def failed(span: Span, kind: str) -> None:
    """The span ended in an error of this kind: a name of ours, of few."""
    span.set_status(Status(StatusCode.ERROR))
    span.set_attribute(ERROR, kind)


def is_told() -> bool:
    """Whether anybody listens: what costs a query is not looked up for nobody."""
    return trace.get_current_span().is_recording()
