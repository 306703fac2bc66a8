"""LangChain's agent on LangGraph, with a checkpointer that outlives the process."""

import json
import tempfile

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command

from remit_client.adapters.langchain import RemitMiddleware, langchain_tools
from tests.adapters import model

CONFIG = {"configurable": {"thread_id": "one"}}


class Stub(BaseChatModel):
    """The loopback model's behaviour without its wire: there is no LangChain package for it beside this OpenAI SDK."""

    @property
    def _llm_type(self):
        return "stub"

    def bind_tools(self, tools, **_):
        return self

    def _generate(self, messages, stop=None, run_manager=None, **_):
        last = messages[-1]
        role = "tool" if isinstance(last, ToolMessage) else "user"
        said = model.chat({"model": "stub", "messages": [{"role": role, "content": last.content}]})
        message = said["choices"][0]["message"]
        calls = [
            {"name": one["function"]["name"], "args": json.loads(one["function"]["arguments"]), "id": one["id"]}
            for one in message.get("tool_calls", ())
        ]
        found = AIMessage(content=message["content"] or "", tool_calls=calls)
        return ChatResult(generations=[ChatGeneration(message=found)])


def start(toolset, prompt):
    return _run(toolset, tempfile.mkdtemp() + "/graph.db", {"messages": [("user", prompt)]})


def resume(toolset, state):
    return _run(toolset, state, Command(resume="The person at the agent says yes, which decides nothing."))


def _run(toolset, file, given):
    with SqliteSaver.from_conn_string(file) as saver:
        agent = create_agent(
            Stub(), tools=langchain_tools(toolset), middleware=[RemitMiddleware(toolset)], checkpointer=saver
        )
        found = agent.invoke(given, CONFIG)
    waits = "__interrupt__" in found
    return {"pending": waits, "text": found["messages"][-1].content, "state": file if waits else None}
