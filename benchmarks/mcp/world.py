"""A workspace with one agent, one tool of the upstream and a policy that lets it be called: made by the product's own services."""

from accounts.actors import system_actor
from accounts.ids import new_id
from accounts.models import Workspace
from accounts.permissions import Role
from accounts.services import add_member, create_user, create_workspace, issue_agent_token, register_agent
from actions.connections import save_connection
from actions.tools import load_tools
from policies.services import publish_version

TOOL = "bench.order.search"
TOOLS = """
connection: bench
tools:
  - name: bench.order.search
    title: Find orders
    description: Orders of an item.
    resource_type: bench.order
    effect_class: read
    reversibility: irreversible
    input_schema:
      type: object
      additionalProperties: false
      required: [item]
      properties: {item: {type: string, maxLength: 60}}
    operation:
      class: A
      read: {path: "/orders?item={item}", scope: "orders:read", rows: orders}
    words: {noun: Orders, imperative: "Find orders of {item}", present: "Finding orders", past: "Found orders"}
"""
POLICY = """
policy: {slug: bench, name: Bench}
roles:
  bench:
    tier: read-only
    tools: {bench.order.search: {mode: auto}}
    fields:
      bench.order: {read: [id, item, amount]}
    scopes:
      bench.order: record.amount < 100
invariants:
  - id: tea.only
    name: Only tea
    when: {tools: [bench.order.search]}
    require: args.item == "tea"
    reason: Only tea is looked for.
    remedy: Ask for tea.
limits:
  - id: reads
    name: Reads an hour
    when: {tools: [bench.order.search]}
    kind: rate
    per: agent
    max: 1000000
    window: 1h
    over: deny
"""


def make(base_url: str) -> tuple[Workspace, str]:
    """The workspace and its agent's token."""
    actor, slug = system_actor("benchmark", ""), new_id("ben").lower().replace("_", "-")
    workspace = create_workspace(actor=actor, slug=slug, name="Benchmark", environment="sandbox")
    actor = system_actor("benchmark", workspace.pk)
    owner = create_user(actor=actor, email=f"{slug}@bench.example", name="Bench")
    for role in (Role.OWNER, Role.MEMBER):
        add_member(actor=actor, workspace=workspace, user=owner, role=role)
    save_connection(
        actor=actor, workspace=workspace, slug="bench", name="Bench", kind="http", base_url=base_url, client_id="bench",
        client_secret="", allow_private=True, options={"auth": {"kind": "none"}},
    )  # fmt: skip
    load_tools(actor=actor, workspace=workspace, text=TOOLS)
    publish_version(actor=actor, workspace=workspace, source=POLICY, message="For the benchmark")
    agent = register_agent(
        actor=actor, workspace=workspace, owner=owner, slug="bench", name="Bench", policy="bench", role="bench"
    )
    return workspace, issue_agent_token(actor=actor, agent=agent)
