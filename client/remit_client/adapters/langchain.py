"""LangChain and LangGraph: tools to show the model, and middleware that executes them through Remit with an interrupt.

A resume replays the call under its id, so it finds the same action; what the resume carries decides nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.types import Command, interrupt

from remit_client.toolset import Told, Toolset

Answer = ToolMessage | Command[Any]


def langchain_tools(toolset: Toolset) -> list[BaseTool]:
    """`tools=` of `create_agent`, together with `middleware=[RemitMiddleware(toolset)]`, without which they refuse to run."""
    return [
        StructuredTool(name=spec.safe_name, description=spec.description, args_schema=dict(spec.schema), func=_alone)
        for spec in toolset.specs
    ]


def _alone(**_: Any) -> str:
    raise RuntimeError("Remit's tools run through RemitMiddleware only. Nothing was executed.")


class RemitMiddleware(AgentMiddleware[Any, Any]):
    """Executes Remit's tools; everybody else's go on as they are."""

    def __init__(self, toolset: Toolset) -> None:
        super().__init__()
        self._toolset = toolset

    def wrap_tool_call(self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Answer]) -> Answer:
        """Interrupts the graph while people decide."""
        call = request.tool_call
        return self._answer(call, self._ask(call)) if self._toolset.has(call["name"]) else handler(request)

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[Answer]]
    ) -> Answer:
        """The same, awaited."""
        call = request.tool_call
        ours = self._toolset.has(call["name"])
        return self._answer(call, await asyncio.to_thread(self._ask, call)) if ours else await handler(request)

    def _ask(self, call: Any) -> Told:
        return self._toolset.call(call["name"], call["args"], call["id"])

    def _answer(self, call: Any, told: Told) -> ToolMessage:
        if told.pending:
            interrupt({"approval_url": told.approval_url, "told": told.text})
        status: Any = "error" if told.is_error else "success"
        return ToolMessage(told.text, tool_call_id=call["id"], name=call["name"], status=status)
