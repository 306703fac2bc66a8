"""LlamaIndex's FunctionAgent: its context as JSON survives a restart while people decide."""

import asyncio
import json

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, MessageRole, ToolCallBlock
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.workflow import Context, HumanResponseEvent, InputRequiredEvent

from remit_client.adapters.llamaindex import llamaindex_tools
from tests.adapters import model


def _speak(messages, **_):
    """The loopback model's behaviour without its wire."""
    last = messages[-1]
    role = "tool" if last.role == MessageRole.TOOL else "user"
    said = model.chat({"model": "stub", "messages": [{"role": role, "content": last.content}]})
    message = said["choices"][0]["message"]
    blocks = [
        ToolCallBlock(
            tool_call_id=one["id"],
            tool_name=one["function"]["name"],
            tool_kwargs=json.loads(one["function"]["arguments"]),
        )
        for one in message.get("tool_calls", ())
    ]
    found = ChatMessage(role=MessageRole.ASSISTANT, content=message["content"] or "")
    found.blocks = [*found.blocks, *blocks]
    return found


def make_model():
    return MockFunctionCallingLLM(response_generator=_speak)


def _agent(toolset):
    return FunctionAgent(llm=make_model(), tools=llamaindex_tools(toolset), streaming=False)


def start(toolset, prompt):
    return asyncio.run(_first(toolset, prompt))


async def _first(toolset, prompt):
    return await _until(_agent(toolset).run(user_msg=prompt))


def resume(toolset, state):
    return asyncio.run(_again(toolset, state))


async def _again(toolset, state):
    agent = _agent(toolset)
    handler = agent.run(ctx=Context.from_dict(agent, state["context"]))
    history = [ChatMessage.model_validate(message) for message in state["memory"]]
    await handler.ctx.store.set("memory", ChatMemoryBuffer.from_defaults(chat_history=history))
    handler.ctx.send_event(HumanResponseEvent(response="Yes, says the person at the agent, which decides nothing."))
    return await _until(handler)


async def _until(handler):
    async for event in handler.stream_events():
        if isinstance(event, InputRequiredEvent):
            memory = await handler.ctx.store.get("memory")  # LlamaIndex leaves it out of what it keeps.
            state = {
                "context": handler.ctx.to_dict(),
                "memory": [one.model_dump(mode="json") for one in await memory.aget()],
            }
            await handler.cancel_run()
            return {"pending": True, "text": event.prefix, "state": state}
    return {"pending": False, "text": str(await handler), "state": None}
