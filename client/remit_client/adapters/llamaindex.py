"""LlamaIndex: function tools that wait for a `HumanResponseEvent` while people decide.

The event only resumes: Remit is asked again. LlamaIndex gives tools no call id: a read is read anew, and any other call with one
set of arguments is one action of the trace.
"""

import asyncio
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from llama_index.core.tools import FunctionTool, ToolMetadata
from llama_index.core.workflow import Context, HumanResponseEvent, InputRequiredEvent

from remit_client.toolset import Toolset, ToolSpec


@dataclass
class _Metadata(ToolMetadata):
    """Remit's own schema instead of one guessed from a function."""

    schema: dict[str, Any] = field(default_factory=dict)

    def get_parameters_dict(self) -> dict[str, Any]:
        return self.schema


def llamaindex_tools(toolset: Toolset) -> list[FunctionTool]:
    """`tools=` of a `FunctionAgent`."""
    return [_tool(toolset, spec) for spec in toolset.specs]


def _tool(toolset: Toolset, spec: ToolSpec) -> FunctionTool:
    async def run(ctx: Context, **arguments: Any) -> str:
        told = await asyncio.to_thread(toolset.call, spec.name, arguments, None)
        if told.pending:
            asked = InputRequiredEvent(prefix=told.text)  # type: ignore[call-arg] # Events carry what they are given.
            await ctx.wait_for_event(HumanResponseEvent, waiter_id=_waiter(spec, arguments), waiter_event=asked)
            told = await asyncio.to_thread(toolset.call, spec.name, arguments, None)
        return told.text

    metadata = _Metadata(description=spec.description, name=spec.safe_name, fn_schema=None, schema=dict(spec.schema))
    return FunctionTool(async_fn=run, metadata=metadata)


def _waiter(spec: ToolSpec, arguments: dict[str, Any]) -> str:
    """The same for a call that is replayed after a restart."""
    return hashlib.sha256(json.dumps([spec.name, arguments], sort_keys=True).encode()).hexdigest()
