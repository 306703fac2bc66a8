"""The span of one MCP request: `tools/call <tool>`, a child of what the client names in `_meta` or in its headers."""

from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry.trace import Span

from accounts import telemetry
from accounts.telemetry import Value
from gateway.mcp.toolbox import Hold, Result
from gateway.mcp.wire import Fault, Message

TOOL_ERROR = "tool_error"


def begun(message: Message, headers: Mapping[str, str]) -> Span:
    """`_meta` before the header: a proxy between writes headers, the client wrote `_meta`."""
    carrier = message.meta if isinstance(message.meta.get("traceparent"), str) else headers
    said: dict[str, Value] = {"mcp.method.name": message.method, "mcp.protocol.version": message.version}
    if isinstance(message.id, int):
        said["jsonrpc.request.id"] = str(message.id)  # A text is the client's own, and may say anything.
    return telemetry.begin(
        message.method, parent=telemetry.caller_context(carrier), kind=telemetry.SERVER, attributes=said
    )


def of_tool(name: str) -> None:
    """The call is of a tool that its agent is granted, so its name is one of ours."""
    span = trace.get_current_span()
    span.update_name(f"tools/call {name}")
    span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name})


def answered(found: Result | Hold) -> None:
    """How the current span's request ended."""
    if isinstance(found, Mapping) and found.get("isError"):
        telemetry.failed(trace.get_current_span(), TOOL_ERROR)


def refused(span: Span, error: BaseException) -> None:
    """A request that ends without a result."""
    if isinstance(error, Fault):
        span.set_attribute("rpc.response.status_code", str(error.code))
        telemetry.failed(span, str(error.code))
    span.end()
