"""A tool that agents run themselves, in a connection of its own, allowed or asked for by policy."""

import json

from django.test import Client

from actions.connections import save_connection
from actions.tools import load_tools
from tests.builders import publish, sample_plain, waive

TOOL, ARGUMENTS = "shell.command.run", {"command": "make deploy"}
TOOLS = """
connection: own-hands
tools:
  - name: shell.command.run
    title: Run a command
    description: Run one shell command where the agent runs.
    resource_type: shell.command
    effect_class: write
    reversibility: irreversible
    input_schema:
      type: object
      additionalProperties: false
      required: [command]
      properties: {command: {type: string, maxLength: 2000}}
    operation: {class: C, agent: {report_s: 600}}
    words: {noun: Command, imperative: "Run {command}", present: "Running {command}", past: "Ran {command}"}
"""


def give_hands(cast, *, mode: str = "auto") -> None:
    """Connect the agent's own hands, load the tool, let the refunds role use it."""
    actor = cast.actor("dana")
    save_connection(
        actor=actor, workspace=cast.northwind, slug="own-hands", name="The agent itself", kind="agent", base_url="",
        client_id="", client_secret="",
    )  # fmt: skip
    load_tools(actor=actor, workspace=cast.northwind, text=TOOLS)
    plain = sample_plain()
    role = plain["roles"]["refunds"]
    role["tools"][TOOL] = {"mode": mode, **({"route": "account"} if mode == "approval" else {})}
    role["fields"]["shell.command"] = {"read": ["command"], "write": ["command"]}
    # Remit sees no record of what agents do themselves, so nothing can be restored or held to rows.
    waive(plain, "write.rollback", "write.per_object_scope", reason="Builds only.")
    publish(cast, plain)


def rest(cast, method: str, path: str, body=None, *, key: str = ""):
    """One REST request of the refunds agent."""
    headers = {"Authorization": f"Bearer {cast.token}"} | ({"Idempotency-Key": key} if key else {})
    data = None if body is None else json.dumps(body)
    return getattr(Client(), method)(f"/api/v1/{path}", data, content_type="application/json", headers=headers)
