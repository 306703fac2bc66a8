"""Traces that the sample's agent never makes, to be looked at: a long one, one of many systems, one that is partly erased.

Each is a ledger that a release stored, its steps repeated or renamed, appended by the ledger's own function.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from django.db import transaction

from accounts.actors import Actor, system_actor
from accounts.models import Agent, Membership, Workspace
from traces.ledger import Sensitive, append
from traces.models import Trace
from traces.redaction import erase_subject
from traces.services import open_trace, summarise

LEDGERS = Path(__file__).parents[1] / "fixtures" / "ledgers" / "0.1.0-2"
# Of seven entries each: two thousand entries.
STEPS = 285
ADDRESS = "ap@birch.example"
# Connection, tool, noun, record's name, a field with what it was and what it became.
SYSTEMS = (
    ("Support desk", "desk.ticket.update", "Ticket", "Ticket 88213", "status", "open", "waiting for the customer"),
    ("GitHub", "github.pull_request.merge", "Pull request", "northwind/billing #412", "state", "open", "merged"),
    ("Salesforce Europe (production)", "salesforce.account.update", "Account", "Birch & Co", "owner", "Ana", "Jo Álvarez"),
    ("Ledger database", "ledger.invoice_line_item.update", "Invoice line", "2026-11 / 48213 / 3", "amount", 48000, 24000),
    ("Zahlungsverkehr", "payments.refund.create", "Refund", "ch_3PqRa2", "amount", None, 24000),
    ("MCP: calendars", "calendar.event.create", "Event", "Call with Birch & Co", "starts", None, "2026-11-24T09:00:00Z"),
)  # fmt: skip


def stored(name: str = "completed") -> list[dict]:
    """The records of a stored ledger."""
    file = LEDGERS / f"{name}.json"
    return [json.loads(entry["canonical"]) for entry in json.loads(file.read_text())["bundle"]["entries"]]


def of_step(records: list[dict], step: int) -> list[dict]:
    """What was recorded of one step's action."""
    found = next(r["body"]["action"] for r in records if r["type"] == "action.proposed" and r["body"]["step"] == step)
    return [record for record in records if record["body"].get("action") == found]


def told(trace: Trace, records: list[dict]) -> None:
    """Append the records to a trace, each by who wrote it."""
    for record in records:
        who = record["actor"]
        actor = Actor(who["kind"], who["id"], who["name"], trace.workspace_id)
        with transaction.atomic():
            append(actor=actor, trace_id=trace.pk, type=record["type"], body=kept(record["body"]))


def kept(value):
    """The same with a value behind every commitment, so that there is something to erase."""
    if isinstance(value, dict) and "$withheld" in value:
        return Sensitive(ADDRESS if value["$withheld"] == "email" else "kept from the agent", value["$withheld"])
    if isinstance(value, dict):
        return {name: kept(item) for name, item in value.items()}
    return [kept(item) for item in value] if isinstance(value, list) else value


def renumbered(records: list[dict], step: int, at: int = 0) -> list[dict]:
    """The same action as another step."""
    more = {"action": f"act_{at or step}"}
    return [{**r, "body": r["body"] | more | ({"step": step} if "step" in r["body"] else {})} for r in records]


def in_system(records: list[dict], system: tuple) -> list[dict]:
    """The same action in another system of record."""
    connection, tool, noun, name, field, old, new = system
    change = {
        "field": field,
        "kind": "changed" if old else "added",
        "old": old,
        "new": new,
        "sent": new,
        "verified": True,
    }
    text = json.dumps(records).replace("desk.account.update", tool).replace("Support desk", connection)
    text = text.replace("Birch & Co", name).replace("account fields of", "fields of")
    made = json.loads(text.replace("account fields", f"fields of {noun.lower()}"))
    for record in made:
        body = record["body"]
        body |= {"changes": [change]} if "changes" in body else {}
        body |= {"title": f"Update {noun.lower()}"} if "title" in body else {}
        if "tool" in body:
            body["tool"] |= {"noun": noun, "resource_type": tool.rpartition(".")[0]}
    return made


def opened(workspace: Workspace, intent: str, sources: Sequence[Mapping[str, str]] = ()) -> Trace:
    """A trace of the workspace's first agent for its first member."""
    agent = Agent.objects.filter(workspace=workspace).select_related("owner").order_by("pk")[0]
    asker = (
        Membership.objects.filter(workspace=workspace, user__email__startswith="maya").select_related("user")[0].user
    )
    actor = Actor("agent", agent.pk, agent.name, workspace.pk)
    return open_trace(
        actor=actor, workspace_id=workspace.pk, agent=agent, on_behalf_of=asker, intent=intent, sources=sources
    )


def long(workspace: Workspace, steps: int = STEPS) -> Trace:
    trace, one = opened(workspace, "Bring every account up to date."), of_step(stored(), 3)
    for step in range(1, steps + 1):
        told(trace, renumbered(one, step))
    summarise(trace_id=trace.pk, title=f"Updated 2 fields of {steps} accounts", outcome=Trace.Outcome.COMPLETED)
    return trace


def many_systems(workspace: Workspace) -> Trace:
    trace = opened(workspace, "Close what Birch & Co asked for, everywhere it is kept.")
    for step, system in enumerate(SYSTEMS, 1):
        told(trace, renumbered(in_system(of_step(stored(), 3), system), step))
    summarise(trace_id=trace.pk, title="Changed 6 records in 6 systems", outcome=Trace.Outcome.COMPLETED)
    return trace


def partly_redacted(workspace: Workspace) -> Trace:
    """Two emails were sent: the address of both, and all that was withheld with it, is erased; the account's fields are kept."""
    records = stored()
    trace = opened(workspace, "Refund the duplicate and tell the customer.")
    for step, of in enumerate((1, 3, 4, 4), 1):
        told(trace, renumbered(of_step(records, of), step))
    summarise(trace_id=trace.pk, title="Emailed the customer twice", outcome=Trace.Outcome.COMPLETED)
    erase_subject(
        actor=system_actor("privacy desk", workspace.pk), workspace_id=workspace.pk, subject=ADDRESS,
        reason="They asked for it.",
    )  # fmt: skip
    return trace
