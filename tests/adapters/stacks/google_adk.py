"""Google's ADK: a pending call asks for confirmation; the session's events are kept as JSON and go on elsewhere."""

import asyncio
import os

from google.adk.agents import LlmAgent
from google.adk.events import Event
from google.adk.models import Gemini
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.genai import types

from remit_client.adapters.adk import adk_tools

CONFIRM = "adk_request_confirmation"


def start(toolset, prompt):
    return asyncio.run(_run(toolset, [], types.Part(text=prompt)))


def resume(toolset, state):
    answer = types.FunctionResponse(id=state["call"], name=CONFIRM, response={"confirmed": True})
    return asyncio.run(_run(toolset, state["events"], types.Part(function_response=answer)))


async def _run(toolset, events, part):
    os.environ["GOOGLE_API_KEY"] = "none"
    gemini = Gemini(model="gemini-2.0-flash", base_url=os.environ["MODEL_URL"])
    agent = LlmAgent(name="tester", model=gemini, tools=adk_tools(toolset))
    sessions = InMemorySessionService()
    runner = Runner(app_name="app", agent=agent, session_service=sessions)
    session = await sessions.create_session(app_name="app", user_id="u", session_id="s")
    for event in events:
        await sessions.append_event(session, Event.model_validate(event))
    call, text = None, ""
    message = types.Content(role="user", parts=[part])
    async for event in runner.run_async(user_id="u", session_id="s", new_message=message):
        for found in event.content.parts if event.content else ():
            text = found.text or text
            if found.function_call and found.function_call.name == CONFIRM:
                call = found.function_call.id
    kept = await sessions.get_session(app_name="app", user_id="u", session_id="s")
    state = {"call": call, "events": [one.model_dump(mode="json") for one in kept.events]}
    return {"pending": call is not None, "text": text, "state": state if call else None}
