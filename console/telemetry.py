"""Sends spans to the receiver that settings name, by OTLP over HTTP. Off without one.

INVARIANT: a receiver that is down, slow or full costs no call anything and fails none: spans wait in a bounded queue, are sent by
a thread of their own and dropped when it is full. Held by tests/gateway/test_spans_lost.py.
"""

from typing import Any

from celery.signals import worker_process_init, worker_process_shutdown
from django.conf import settings
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased

QUEUE, BATCH, EVERY_MS, WITHIN_S = 2048, 256, 1000, 5
LONGEST = 200


def begin(*_: Any, **__: Any) -> None:
    """For a process that serves or works. A caller that says its trace is not sampled is believed."""
    if not settings.REMIT_OTLP_ENDPOINT:
        return
    exporter = OTLPSpanExporter(
        endpoint=settings.REMIT_OTLP_ENDPOINT, headers=settings.REMIT_OTLP_HEADERS, timeout=WITHIN_S,
        compression=Compression.Gzip,
    )  # fmt: skip
    provider = TracerProvider(
        resource=Resource.create({SERVICE_NAME: "remit"}), sampler=ParentBased(ALWAYS_ON),
        span_limits=SpanLimits(max_attribute_length=LONGEST),
    )  # fmt: skip
    provider.add_span_processor(
        BatchSpanProcessor(exporter, max_queue_size=QUEUE, max_export_batch_size=BATCH, schedule_delay_millis=EVERY_MS)
    )
    trace.set_tracer_provider(provider)


def end(*_: Any, **__: Any) -> None:
    """Send what waits: children of the worker end without the interpreter's own farewell."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.shutdown()


# The worker's children run actions; their parent only hands them out.
worker_process_init.connect(begin, weak=False)
worker_process_shutdown.connect(end, weak=False)
