"""The Claude Agent SDK: Remit's tools as a server inside the process, and a permission check for the built-in ones."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from claude_agent_sdk import (
    McpSdkServerConfig,
    PermissionResult,
    PermissionResultAllow,
    PermissionResultDeny,
    SdkMcpTool,
    ToolPermissionContext,
    create_sdk_mcp_server,
)

from remit_client.hooks import OWN, Judge
from remit_client.toolset import Toolset, ToolSpec


def sdk_server(toolset: Toolset, *, name: str = "remit") -> McpSdkServerConfig:
    """`mcp_servers={"remit": sdk_server(toolset)}`. The SDK gives tools no call id: a read is read anew, and any other call with
    one set of arguments is one action of the trace."""
    return create_sdk_mcp_server(name, tools=[_tool(toolset, spec) for spec in toolset.specs])


def _tool(toolset: Toolset, spec: ToolSpec) -> SdkMcpTool[Any]:
    async def run(arguments: dict[str, Any]) -> dict[str, Any]:
        told = await asyncio.to_thread(toolset.call, spec.name, arguments, None)
        return {"content": [{"type": "text", "text": told.text}], "is_error": told.is_error}

    return SdkMcpTool(spec.safe_name, spec.description, dict(spec.schema), run)


def permission(judge: Judge) -> Callable[[str, dict[str, Any], ToolPermissionContext], Awaitable[PermissionResult]]:
    """`can_use_tool=`: built-in tools are allowed only where policy would allow them at once. Anything else is refused."""

    async def can_use(name: str, arguments: dict[str, Any], _: ToolPermissionContext) -> PermissionResult:
        if name.startswith(OWN):
            return PermissionResultAllow()  # Judged where it is executed; judging here too would ask twice.
        verdict = await asyncio.to_thread(judge.judge, name, arguments)
        return PermissionResultAllow() if verdict.allowed else PermissionResultDeny(message=verdict.reason)

    return can_use
