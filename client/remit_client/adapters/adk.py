"""Google's Agent Development Kit: tools whose pending calls ask for confirmation, so that the session resumes later.

The confirmation only resumes it: Remit is asked again under the same call id, and its own approvers decide.
"""

import asyncio
from typing import Any

from google.adk.tools.base_tool import BaseTool
from google.adk.tools.tool_context import ToolContext
from google.genai import types

from remit_client.toolset import Toolset, ToolSpec


def adk_tools(toolset: Toolset) -> list[BaseTool]:
    """`tools=` of an `Agent`."""
    return [RemitTool(toolset, spec) for spec in toolset.specs]


class RemitTool(BaseTool):
    """One tool of Remit."""

    def __init__(self, toolset: Toolset, spec: ToolSpec) -> None:
        super().__init__(name=spec.safe_name, description=spec.description)
        self._toolset, self._spec = toolset, spec

    def _get_declaration(self) -> types.FunctionDeclaration:
        return types.FunctionDeclaration(
            name=self.name, description=self.description, parameters_json_schema=dict(self._spec.schema)
        )

    async def run_async(self, *, args: dict[str, Any], tool_context: ToolContext) -> dict[str, Any]:
        """The outcome, or a request for confirmation while people decide."""
        call_id = tool_context.function_call_id
        assert call_id is not None  # noqa: S101 - the kit names every call it makes
        told = await asyncio.to_thread(self._toolset.call, self._spec.name, args, call_id)
        if told.pending and tool_context.tool_confirmation is None:
            tool_context.request_confirmation(
                hint=f"Waiting for approval at {told.approval_url}. Confirm to ask Remit again.", payload={}
            )
            tool_context.actions.skip_summarization = True
        return {"error" if told.is_error or told.pending else "result": told.text}
