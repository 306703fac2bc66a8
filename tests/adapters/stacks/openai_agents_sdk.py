"""openai-agents: interruptions, and a run state that survives a restart as JSON."""

import asyncio
import os

from agents import Agent, OpenAIResponsesModel, Runner, RunState, set_tracing_disabled
from openai import AsyncOpenAI

from remit_client.adapters.openai_agents import agent_tools

set_tracing_disabled(True)


def _agent(toolset):
    client = AsyncOpenAI(base_url=os.environ["MODEL_URL"] + "/v1", api_key="none")
    return Agent(name="tester", tools=agent_tools(toolset), model=OpenAIResponsesModel("stub", client))


def start(toolset, prompt):
    return _told(asyncio.run(Runner.run(_agent(toolset), prompt)))


def resume(toolset, state):
    async def go_on():
        agent = _agent(toolset)
        found = await RunState.from_string(agent, state)
        for item in found.get_interruptions():
            found.approve(item)
        return await Runner.run(agent, found)

    return _told(asyncio.run(go_on()))


def _told(result):
    if result.interruptions:
        return {"pending": True, "text": "", "state": result.to_state().to_string()}
    return {"pending": '"state": "pending"' in result.final_output, "text": result.final_output, "state": None}
