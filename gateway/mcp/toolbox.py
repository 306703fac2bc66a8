"""What a caller has behind the endpoint: a list of tools, calls and tasks. The product has one kind, `governed`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from mcp_types.jsonrpc import INVALID_PARAMS

from gateway.mcp.wire import Fault, Message

Result = Mapping[str, Any]


class OutOfScope(dict[str, Any]):
    """The result of a call that the caller's token alone kept from: `scope` is what a token for it has (M-02, RFC 6750 3.1)."""

    def __init__(self, result: Result, scope: str) -> None:
        super().__init__(result)
        self.scope = scope


@dataclass(frozen=True, slots=True)
class Hold:
    """Not yet: ask `again` until it answers; it gets to know when `seconds` are over."""

    seconds: float
    again: Callable[[bool], "Result | Hold"]
    # How often a client that asks for progress hears that it goes on.
    every: float = 5.0


class Toolbox(Protocol):
    """One caller's tools. Every method may raise Fault."""

    def tools(self) -> list[dict[str, Any]]:
        """MCP tool objects, in a stable order."""

    def granted(self, name: str) -> dict[str, Any] | None:
        """The tool of this name, if it may be called: one of the list, or one that this caller's token does not reach, so that
        the call can say so."""

    def call(self, message: Message) -> Result | Hold:
        """A tools/call whose tool is granted."""

    def get_task(self, task_id: str) -> Result:
        """The task as it stands, its result inlined when it is done."""

    def update_task(self, task_id: str, answers: Mapping[str, Any]) -> None:
        """The client's answers to what a task asked for."""

    def cancel_task(self, task_id: str) -> None:
        """Take a task back. Safe to repeat."""

    def refused(self, fault: Fault) -> None:
        """A request of this caller was refused."""


def unknown_tool(name: str) -> Fault:
    """A tool that is not granted is answered like one that does not exist (B-06)."""
    return Fault(INVALID_PARAMS, f"Unknown tool: {name[:120]}. Ask tools/list for the tools of this agent.")


def unknown_task() -> Fault:
    """A task of somebody else is answered like one that does not exist (M-04)."""
    return Fault(INVALID_PARAMS, "Unknown task. Send the taskId of the answer that made it.")
