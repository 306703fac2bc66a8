"""Fills a database with many traces and actions, in bulk SQL: a workspace that has used Remit for 400 days.

One trace and one action are made by the product's models; the others are copies of them that differ in what lists look at. What
is common, rare, long ago or absent is spread so that no index can be lucky: `OLD` names what the newest rows do not have.
"""

import json
from importlib import import_module
from typing import Any

from django.db import connection

from accounts.actors import system_actor
from accounts.clock import database_now
from accounts.models import Agent, User, Workspace
from accounts.permissions import Role
from accounts.services import add_member, create_user, create_workspace, register_agent
from actions.connections import save_connection
from actions.models import Action, ActionFacet, Tool
from actions.tools import load_tools
from approvals.models import ApprovalRequest, Verdict
from benchmarks.pages import tool_yaml
from traces.models import Trace

TOOLS, AGENTS, PEOPLE = 20, 8, 200
CHUNK = 50_000
# What each row has, as SQL over its number `n` of `rows`; 0 is the newest. Shares: common, rare, and what ended long ago.
AGE = "n::float / rows"
AGENT = f"CASE WHEN {AGE} > 0.8 AND n %% 4 = 0 THEN 7 WHEN n %% 2 = 0 THEN 0 ELSE n %% 7 END"
PERSON = f"CASE WHEN {AGE} > 0.8 AND n %% 5 = 0 THEN 199 WHEN n %% 3 = 0 THEN 0 ELSE n %% 199 END"
TOOL = f"CASE WHEN {AGE} > 0.8 AND n %% 3 = 0 THEN 19 WHEN n %% 2 = 0 THEN 1 ELSE n %% 19 END"
VERSION = f"20 - floor({AGE} * 19.99)::int"
RULE = f"CASE WHEN n %% 9973 = 5 THEN 'bench.rare' WHEN {AGE} > 0.8 THEN 'bench.old' WHEN n %% 12 = 0 THEN 'bench.limit' END"
RECORD = "'acct_' || (n %% 50000)"
AT = f"now() - interval '1 hour' - interval '400 days' * ({AGE})"
# state, outcome and rollback of the row.
STANDS = f"""CASE WHEN n < 20 THEN '{{pending,waiting,""}}' WHEN n %% 33 = 1 THEN '{{denied,denied,""}}'
  WHEN n %% 90 = 2 THEN '{{failed,failed,""}}' WHEN {AGE} > 0.8 AND n %% 7 = 3 THEN '{{rejected,stopped,""}}'
  WHEN n %% 150 = 4 THEN '{{succeeded,rolled_back,rolled_back}}' WHEN n = rows - 3 THEN '{{unknown,unknown,""}}'
  ELSE '{{succeeded,completed,""}}' END::text[]"""
TITLE = f"""CASE WHEN {AGE} > 0.8 AND n %% 4 = 1 THEN 'Migrated ' ELSE 'Updated ' END || 'account ' || (n %% 50000)
  || CASE WHEN n %% 9973 = 5 THEN ' zebra' ELSE '' END"""
ROWS = f"""
  SELECT n, {AT} AS at, 'trc_' || lpad((%(base)s + rows - n)::text, 26, '0') AS trace, 'act_' || lpad((%(base)s + rows - n)::text, 26, '0') AS action,
    agents[{AGENT} + 1] AS agent, people[{PERSON} + 1] AS person, tools[{TOOL} + 1] AS tool, 'desk.thing' || ({TOOL}) || '.update' AS tool_name,
    {VERSION} AS version, {RULE} AS rule, {RECORD} AS record, {STANDS} AS stands, {TITLE} AS title
  FROM generate_series(%(first)s, %(last)s) AS n, (SELECT %(rows)s::int AS rows, %(agents)s::text[] AS agents,
    %(people)s::text[] AS people, %(tools)s::text[] AS tools) AS given
"""
TRACES = f"""
INSERT INTO traces_trace SELECT made.* FROM ({ROWS}) AS it, traces_trace AS one,
  jsonb_populate_record(one, jsonb_build_object('id', it.trace, 'created_at', it.at, 'updated_at', it.at, 'agent_id', it.agent,
    'on_behalf_of_id', it.person, 'outcome', it.stands[2], 'title', it.title, 'facets', array_remove(
    ARRAY['tool:' || it.tool_name, 'record:' || it.record, 'person:' || it.person, 'policy:bench', 'policy:bench@' || it.version, 'rule:' || it.rule],
    NULL))) AS made WHERE one.id = %(trace)s
"""
ACTIONS = f"""
INSERT INTO actions_action SELECT made.* FROM ({ROWS}) AS it, actions_action AS one,
  jsonb_populate_record(one, jsonb_build_object('id', it.action, 'trace_id', it.trace, 'created_at', it.at, 'agent_id', it.agent,
    'requester_id', it.person, 'state', it.stands[1], 'rollback_state', it.stands[3], 'tool_id', it.tool, 'tool_name', it.tool_name,
    'before', one.before || jsonb_build_object('record_id', it.record), 'decision', one.decision || jsonb_build_object(
      'policy', jsonb_build_object('slug', 'bench', 'version', it.version), 'checks', (one.decision -> 'checks') || CASE
        WHEN it.rule IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_object('rule', it.rule, 'outcome', 'escalated')) END)
  )) AS made WHERE one.id = %(action)s
"""
ASKED = f"""
INSERT INTO approvals_approvalrequest SELECT made.* FROM ({ROWS}) AS it, approvals_approvalrequest AS one,
  jsonb_populate_record(one, jsonb_build_object('id', 'apr_' || lpad((%(base)s + n)::text, 26, '0'), 'trace_id', it.trace,
    'action_id', it.action, 'created_at', it.at, 'settled_at', it.at + interval '5 minutes', 'requester_id', it.person)) AS made
  WHERE one.id = %(request)s AND n %% 20 = 0
"""
SAID = f"""
INSERT INTO approvals_verdict SELECT made.* FROM ({ROWS}) AS it, approvals_verdict AS one,
  jsonb_populate_record(one, jsonb_build_object('id', %(base)s + 1000 + n, 'request_id', 'apr_' || lpad((%(base)s + n)::text, 26, '0'), 'at', it.at))
    AS made WHERE one.id = %(verdict)s AND n %% 20 = 0
"""


def seeded(name: str, rows: int, base: int) -> Workspace:
    """The workspace as `seed` makes it, also where an earlier run did. Raises SystemExit where that filled it otherwise."""
    workspace = Workspace.objects.filter(slug=name).first()
    if workspace is None:
        return seed(name, rows, base)
    # The patterns the rows were copied from are among them.
    there = Trace.objects.filter(workspace=workspace, kind=Trace.Kind.WORK).count() - 1
    if there != rows or not ActionFacet.objects.filter(workspace=workspace).exists():
        raise SystemExit(
            f"The kept database holds {there:,} traces of {name}, not {rows:,}. Drop it, or ask for as many."
        )
    return workspace


def seed(name: str, rows: int, base: int) -> Workspace:
    """A workspace of so many traces, each with an action, and an auditor of it. `base` is where the numbers in their ids begin."""
    actor = system_actor("benchmark", "")
    workspace = create_workspace(actor=actor, slug=name, name=name, environment="sandbox")
    auditor = person(workspace, "auditor", Role.AUDITOR)
    people = [person(workspace, f"person {number:03}", Role.MEMBER) for number in range(PEOPLE)]
    agents = [agent(workspace, auditor, number) for number in range(AGENTS)]
    tools = tools_of(workspace)
    one = patterns(workspace, auditor, agents[0], people[0], tools[0])
    given = {
        "rows": rows, "base": base, "agents": [found.pk for found in agents], "people": [found.pk for found in people],
        "tools": [found.pk for found in tools], **one,
    }  # fmt: skip
    fill(given, rows)
    return workspace


def person(workspace: Workspace, name: str, role: Role) -> User:
    """A member who cannot sign in."""
    actor = system_actor("benchmark", workspace.pk)
    user = create_user(actor=actor, email=f"{name.replace(' ', '.')}@{workspace.slug}.example", name=name.title())
    add_member(actor=actor, workspace=workspace, user=user, role=role)
    return user


def agent(workspace: Workspace, owner: User, number: int) -> Agent:
    """One agent of the workspace's policy."""
    actor = system_actor("benchmark", workspace.pk)
    slug = f"agent-{number}"
    return register_agent(
        actor=actor, workspace=workspace, owner=owner, slug=slug, name=slug, policy="bench", role="clerk"
    )


def tools_of(workspace: Workspace) -> list[Tool]:
    """Tools that change a record each."""
    actor = system_actor("benchmark", workspace.pk)
    save_connection(
        actor=actor, workspace=workspace, slug="desk", name="Desk", kind="records", base_url="https://desk.example",
        client_id="remit", client_secret="secret",  # noqa: S106 - seeded and dropped
    )  # fmt: skip
    names = [f"desk.thing{number}.update" for number in range(TOOLS)]
    made = [tool_yaml(name, number) for number, name in enumerate(names)]
    load_tools(actor=actor, workspace=workspace, text=json.dumps({"connection": "desk", "tools": made}))
    by_name = {tool.name: tool for tool in Tool.objects.filter(workspace=workspace)}
    return [by_name[name] for name in names]


def patterns(workspace: Workspace, auditor: User, agent: Agent, person: User, tool: Tool) -> dict[str, Any]:
    """The rows that the others are copies of: a trace, its action, what was asked and what somebody said."""
    now = database_now()
    trace = Trace.objects.create(
        workspace=workspace, agent=agent, on_behalf_of=person, title="Updated account", outcome="completed", created_at=now,
        updated_at=now,
    )  # fmt: skip
    check = {"name": "Field allowlist", "outcome": "passed", "seen": "status", "threshold": "listed", "remedy": ""}
    action = Action.objects.create(
        workspace=workspace, trace=trace, step=1, title="Update the account", agent=agent, requester=person, tool=tool,
        tool_name=tool.name, proposed_text='{"fields":{"status":"open"},"thing_id":"1"}', nonce="0" * 32,
        arguments_text='{"fields":{"status":"open"},"thing_id":"1"}', digest="sha256:" + "0" * 64, state="succeeded",
        decision={"effect": "allow", "checks": [{**check, "rule": f"bench.passed{number}"} for number in range(8)]},
        before={"record_id": "acct_1", "fields": {"status": "new", "note": "Called about the second charge. " * 4}},
        result={"version": "2"}, created_at=now,
    )  # fmt: skip
    request = ApprovalRequest.objects.create(
        workspace=workspace, trace=trace, action_id=action.pk, kind="approval", title="Update the account", requester=person,
        agent=agent, route={"name": "lead", "steps": []}, digest=action.digest, displayed={}, state="approved", created_at=now,
        expires_at=now, settled_at=now,
    )  # fmt: skip
    verdict = Verdict.objects.create(
        request=request, step=1, user=auditor, choice="approve", digest=action.digest, at=now
    )
    return {"trace": trace.pk, "action": action.pk, "request": request.pk, "verdict": verdict.pk}


def fill(given: dict[str, Any], rows: int) -> None:
    """All rows, without the triggers that would ask about each of them, and then what those keep, as an upgrade makes it."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET synchronous_commit = off")
        for first in range(0, rows, CHUNK):
            window = {**given, "first": first, "last": min(first + CHUNK, rows) - 1}
            for statement in (TRACES, ACTIONS, ASKED, SAID):
                cursor.execute(statement, window)
        cursor.execute(import_module("traces.migrations.0014_facets_in_order_of_time").FILL)
        cursor.execute(import_module("actions.migrations.0017_facets_in_order_of_time").FILL)
        cursor.execute("RESET session_replication_role")
        cursor.execute("RESET synchronous_commit")
        cursor.execute("VACUUM ANALYZE")
