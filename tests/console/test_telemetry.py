"""Spans are off unless settings name a receiver; what they name is checked at the start and no secret is repeated."""

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from accounts import telemetry
from console import env
from console.telemetry import begin

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_without_a_receiver_nothing_is_kept(settings):
    assert settings.REMIT_OTLP_ENDPOINT == "" and settings.REMIT_OTLP_HEADERS == {}
    begin()
    assert not isinstance(trace.get_tracer_provider(), TracerProvider)
    with telemetry.inside("nothing") as span:
        assert not span.is_recording() and telemetry.here() == ""


def test_without_a_receiver_the_callers_span_is_still_what_led_to_the_call():
    with telemetry.current(telemetry.begin("x", parent=telemetry.caller_context({"traceparent": PARENT}))):
        assert telemetry.here() == PARENT


@pytest.mark.parametrize("said", [
    {}, {"traceparent": 7}, {"traceparent": ["x"]}, {"traceparent": ""}, {"traceparent": PARENT + "-x"},
    {"traceparent": PARENT.upper()}, {"traceparent": f"{PARENT},{PARENT}"}, {"traceparent": "ff" + PARENT[2:]},
    {"traceparent": "00-" + "0" * 32 + "-b7ad6b7169203331-01"}, {"tracestate": "a=b"}, {"traceparent": "0" * 10_000},
])  # fmt: skip
def test_a_trace_context_that_is_none_is_left_out(said):
    with telemetry.current(telemetry.begin("x", parent=telemetry.caller_context(said))):
        assert telemetry.here() == ""


def test_tracestate_is_bounded_and_never_refuses():
    found = telemetry.caller_context({"traceparent": PARENT, "tracestate": "a=" + "b" * 10_000})
    assert trace.get_current_span(found).get_span_context().trace_state == {}


@pytest.mark.parametrize("value", ["ftp://x/v1", "https://", "https://me:pass@host/v1", "host:4318", "https://host/#a"])
def test_an_address_that_is_none_ends_the_start_without_repeating_it(monkeypatch, value):
    monkeypatch.setenv("REMIT_OTLP_ENDPOINT", value)
    with pytest.raises(env.SettingError) as refused:
        env.receiver("REMIT_OTLP_ENDPOINT")
    assert "pass" not in str(refused.value) and "REMIT_OTLP_ENDPOINT" in str(refused.value)


@pytest.mark.parametrize("value", ["secret-without-name", "=secret", "a=secret\x01"])
def test_headers_that_cannot_be_read_end_the_start_without_repeating_them(monkeypatch, value):
    monkeypatch.setenv("REMIT_OTLP_HEADERS", value)
    with pytest.raises(env.SettingError) as refused:
        env.headers("REMIT_OTLP_HEADERS")
    assert "secret" not in str(refused.value)
