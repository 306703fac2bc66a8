"""claude-agent-sdk, with the program that it brings; its session is a new one each time, in a home of its own."""

import asyncio
import json
import os
import tempfile

from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient, ResultMessage

from remit_client.adapters.claude_agent import permission, sdk_server
from remit_client.hooks import Judge
from tests.adapters.stacks.loop import told

OWN = "mcp__remit__"


def start(toolset, prompt):
    asked = json.loads(prompt)
    renamed = json.dumps({"tool": OWN + asked["tool"], "arguments": asked["arguments"]})
    return told(asyncio.run(_said(toolset, renamed)), prompt)


def resume(toolset, state):
    """The same request again: the same call with the same arguments is the same action."""
    return start(toolset, state)


async def _said(toolset, prompt: str) -> str:
    with tempfile.TemporaryDirectory() as home:
        env = {"HOME": home, "ANTHROPIC_BASE_URL": os.environ["MODEL_URL"], "ANTHROPIC_API_KEY": "none"}
        env |= {"ENABLE_TOOL_SEARCH": "false", "MCP_CONNECTION_NONBLOCKING": "false", "IS_SANDBOX": "1"}
        env |= {"CLAUDE_CONFIG_DIR": home, "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
        options = ClaudeAgentOptions(
            mcp_servers={"remit": sdk_server(toolset)}, can_use_tool=permission(Judge(toolset._trace, {})), cwd=home, env=env,
            model="stub", setting_sources=[], max_turns=4,
        )  # fmt: skip
        async with ClaudeSDKClient(options) as client:
            await client.query(prompt)
            async for message in client.receive_response():
                if isinstance(message, ResultMessage):
                    return message.result or f"It ended with {message.subtype}."
    raise RuntimeError("The program said nothing.")
