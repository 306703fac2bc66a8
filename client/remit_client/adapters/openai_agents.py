"""The OpenAI Agents SDK: function tools that interrupt the run while Remit waits for people.

The run's own approval only resumes it: after `state.approve(item)` Remit is asked again under the same call id, and it is still
Remit's approvers who decide.
"""

import asyncio
from typing import Any

from agents import FunctionTool, RunContextWrapper
from agents.tool_context import ToolContext

from remit_client.toolset import Toolset, ToolSpec, parsed


def agent_tools(toolset: Toolset) -> list[FunctionTool]:
    """`tools=` of an `Agent`. A result's `interruptions` are the calls that wait for people."""
    return [_tool(toolset, spec) for spec in toolset.specs]


def _tool(toolset: Toolset, spec: ToolSpec) -> FunctionTool:
    async def waits(_: RunContextWrapper[Any], arguments: dict[str, Any], call_id: str) -> bool:
        return (await asyncio.to_thread(toolset.call, spec.name, arguments, call_id)).pending

    async def invoke(context: ToolContext[Any], arguments: str) -> str:
        return (await asyncio.to_thread(toolset.call, spec.name, parsed(arguments), context.tool_call_id)).text

    return FunctionTool(
        name=spec.safe_name,
        description=spec.description,
        params_json_schema=dict(spec.schema),
        on_invoke_tool=invoke,
        strict_json_schema=False,
        needs_approval=waits,
    )
