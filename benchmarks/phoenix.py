"""Arize Phoenix with one trace in it: started from an environment of its own, asked what its own trace page asks."""

import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from benchmarks.serving import free_port, serving

NOWHERE = "http://127.0.0.1:9"  # what it would fetch from elsewhere at its start stays on this machine
QUERY = re.compile(r"text:`(query TraceDetailsQuery\((?:[^`\\]|\\.)*)`")


@contextmanager
def phoenix(environment: Path, folder: Path) -> Iterator[str]:
    """Its address: the server of the package `arize-phoenix` in `environment`, its data in `folder`."""
    port, other = free_port(), free_port()
    also = {
        "PHOENIX_HOST": "127.0.0.1", "PHOENIX_PORT": str(port), "PHOENIX_GRPC_PORT": str(other),
        "PHOENIX_WORKING_DIR": str(folder), "PHOENIX_TELEMETRY_ENABLED": "false", "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false",
        "PHOENIX_DISABLE_AGENT_ASSISTANT": "true", "PHOENIX_AGENTS_DISABLE_WEB_ACCESS": "true", "PHOENIX_AGENTS_DISABLE_GITHUB": "true",
        "HTTP_PROXY": NOWHERE, "HTTPS_PROXY": NOWHERE, "NO_PROXY": "127.0.0.1",
    }  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    with serving([str(environment / "bin/phoenix"), "serve"], url, also=also, log=folder / "phoenix.log"):
        yield url


def question(environment: Path) -> str:
    """What the page of one trace asks its server, from the page's own program. Raises SystemExit where that is not found."""
    for program in environment.glob("lib/python3*/site-packages/phoenix/server/static/assets/index-*.js"):
        if found := QUERY.search(program.read_text(encoding="utf-8")):
            return found[1]
    raise SystemExit(f"No page of a trace is found in {environment}. Install arize-phoenix there.")


def fill(url: str, spans: int) -> str:
    """Send one trace of so many tool calls by OTLP, and give its id when all are stored."""
    trace, root, now = secrets.token_bytes(16), secrets.token_bytes(8), time.time_ns()
    sent = ExportTraceServiceRequest()
    into = sent.resource_spans.add().scope_spans.add()
    for number in range(spans):
        into.spans.append(span(trace, root, number, now))
    answer = httpx.post(
        f"{url}/v1/traces", content=sent.SerializeToString(), headers={"Content-Type": "application/x-protobuf"},
        trust_env=False, timeout=60,
    )  # fmt: skip
    answer.raise_for_status()
    return trace.hex()


def span(trace: bytes, root: bytes, number: int, now: int) -> Span:
    """One update of an account, as OpenTelemetry's conventions for agents write it; the first is the root of the rest."""
    made = Span(
        trace_id=trace, span_id=secrets.token_bytes(8) if number else root, parent_span_id=root if number else b"",
        name="execute_tool crm.account.update", start_time_unix_nano=now + number * 1_000_000,
        end_time_unix_nano=now + (number + 1) * 1_000_000,
    )  # fmt: skip
    said = {
        "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "crm.account.update",
        "gen_ai.tool.call.arguments": '{"id": "5521", "tier": "gold"}', "gen_ai.tool.call.result": '{"ok": true}',
    }  # fmt: skip
    for key, value in said.items():
        made.attributes.add(key=key).value.string_value = value
    return made


def asking(url: str, query: str, trace: str, spans: int) -> tuple[dict[str, Any], httpx.Client]:
    """The request of its page, once all spans are there, and the client to send it by. Raises SystemExit after a minute."""
    client = httpx.Client(base_url=url, trust_env=False, timeout=60)
    listed = client.post("/graphql", json={"query": "{projects{edges{node{id name}}}}"}).json()
    project = next(e["node"]["id"] for e in listed["data"]["projects"]["edges"] if e["node"]["name"] == "default")
    body = {"query": query, "variables": {"traceId": trace, "id": project}}
    for _ in range(120):
        answer = client.post("/graphql", json=body).json()
        found = (answer["data"]["project"]["trace"] or {}) if answer.get("data") else {}
        if found.get("numSpans") == spans and len(found["spans"]["edges"]) == spans:
            return body, client
        time.sleep(0.5)
    raise SystemExit(f"Phoenix does not show {spans} spans: {str(answer)[:300]}")
