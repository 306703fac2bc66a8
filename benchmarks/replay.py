"""How long it takes to replay past actions: `python -m benchmarks.replay [--actions 100000] [--days 30] [--json]`.

Seeds a scratch workspace in the database of DATABASE_URL (migrated already), replays every action through the product's own
functions, and takes everything out again. Reported beside it: the time just to read the same rows, which nothing can beat, and what
of a processor this process and its helpers took, from which an idle machine's time can be told while others crowd this one.
"""

import argparse
import os
import random
import sys
import time
from datetime import timedelta
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
django.setup()

from django.db import connection  # noqa: E402 - Django is set up first

from accounts.actors import system_actor  # noqa: E402
from accounts.clock import database_now  # noqa: E402
from accounts.ids import new_id  # noqa: E402
from accounts.models import Workspace  # noqa: E402
from benchmarks.told import tell  # noqa: E402
from policies.engine.decide import decide  # noqa: E402
from policies.engine.document import load  # noqa: E402
from policies.engine.recorded import encoded, ruling, spoken  # noqa: E402
from policies.engine.types import Money, Request, ToolFacts  # noqa: E402
from policies.models import DecisionRecord, Policy, Replay  # noqa: E402
from policies.replay import run_replay, start_replay  # noqa: E402
from policies.replay.rows import chunks  # noqa: E402

TARGET_S = 10.0
SOURCE = """
policy: {slug: bench, name: Bench}
roles:
  refunds:
    tier: execute-with-approval
    tools:
      desk.order.get: {mode: auto}
      desk.account.get: {mode: auto}
      desk.account.update: {mode: auto}
      desk.ticket.update: {mode: auto}
      desk.refund.create: {mode: auto}
      desk.mail.send: {mode: draft}
    fields:
      desk.account: {read: [name, region, tier], write: [refund_status, last_contact_reason, owner_note, credit_limit]}
      desk.ticket: {read: [subject, status, note], write: [status, note]}
      desk.refund: {read: [amount], write: [order_id, charge_id, amount, currency, reason]}
      desk.mail: {read: [subject], write: [to, subject, body]}
    scopes:
      desk.account: record.region == "EU"
invariants:
  - id: mail.domains
    when: {tools: [desk.mail.send]}
    require: recipients.all(x, x.endsWith("@birch.example"))
    reason: The recipient isn't at a customer domain.
  - id: refund.within_charge
    when: {tools: [desk.refund.create]}
    require: record.charges.exists(x, x.id == args.charge_id && x.amount - x.refunded >= args.amount)
    reason: The refund is larger than what is left of that charge.
limits:
  - {id: refund.auto, name: Spend limit, when: {tools: [desk.refund.create]}, kind: money, per: action, max: 10000,
     currency: USD, over: approval, route: refund}
  - {id: refund.daily, name: Daily budget, when: {tools: [desk.refund.create]}, kind: money, per: agent, max: 5000000,
     currency: USD, window: 1d, over: deny}
  - {id: mail.daily, name: Daily mail, when: {tools: [desk.mail.send]}, kind: rate, per: agent, max: 5000, window: 1d, over: deny}
routes:
  refund: {steps: [{name: Support lead, group: support-leads}, {name: Finance, group: finance}]}
"""
CANDIDATE = (
    SOURCE.replace("max: 10000,", "max: 5000,")
    .replace(", credit_limit]", "]")
    .replace("desk.ticket.update: {mode: auto}", "desk.ticket.update: {mode: approval, route: refund}")
)
# Tool, resource type, effect class, reversibility and how many of ten calls are of it.
TOOLS = (
    ("desk.order.get", "desk.order", "read", "reversible", 3),
    ("desk.account.get", "desk.account", "read", "reversible", 2),
    ("desk.account.update", "desk.account", "write", "reversible", 2),
    ("desk.ticket.update", "desk.ticket", "write", "reversible", 1),
    ("desk.refund.create", "desk.refund", "side_effect", "compensable", 1),
    ("desk.mail.send", "desk.mail", "side_effect", "irreversible", 1),
)
MIX = [ToolFacts(*tool[:4]) for tool in TOOLS for _ in range(tool[4])]


def fields_of(tool: ToolFacts, dice: random.Random) -> dict[str, Any]:
    """What such a call would write."""
    made: dict[str, dict[str, Any]] = {
        "desk.account.update": {"refund_status": "refunded", "owner_note": "Called back about the second charge."},
        "desk.ticket.update": {"status": "closed", "note": "Refunded."},
        "desk.refund.create": {
            "order_id": "48213", "charge_id": "ch_2", "amount": dice.randrange(500, 20000), "currency": "USD",
            "reason": "duplicate",
        },
        "desk.mail.send": {"to": "ap@birch.example", "subject": "Your refund", "body": "We refunded the second charge. " * 6},
    }  # fmt: skip
    fields = dict(made.get(tool.name, {}))
    if tool.name == "desk.account.update" and dice.random() < 0.1:
        fields["credit_limit"] = "12000.00"
    return fields


def request(number: int, at: Any, dice: random.Random) -> Request:
    """One past call of about the size a real one has."""
    tool = MIX[number % len(MIX)]
    fields = fields_of(tool, dice)
    record = {
        "id": f"rec_{number % 900}", "name": "Birch Ltd", "region": "US" if dice.random() < 0.05 else "EU", "tier": "Gold",
        "charges": [{"id": f"ch_{n}", "amount": 24000, "refunded": 0} for n in range(1, 4)],
    }  # fmt: skip
    money = Money(fields["amount"], "USD") if "amount" in fields else None
    return Request(
        role="refunds", agent={"id": f"agt_{number % 4}", "slug": "refunds-agent", "name": f"Agent {number % 4}"},
        requester={"id": "usr_1", "email": "maya@northwind.example", "name": "Maya", "groups": ["support"], "roles": ["member"]},
        tool=tool, arguments={"account_id": "acct_1", **fields}, fields=fields, record=record, money=money,
        recipients=("ap@birch.example",) if tool.name == "desk.mail.send" else (), usage={}, at=at,
    )  # fmt: skip


def seed(workspace: Workspace, actions: int, days: int) -> None:
    """Past decisions spread evenly over the days, decided by the engine under `SOURCE`."""
    document, dice, until = load(SOURCE), random.Random(7), database_now()  # noqa: S311 - the same past every time
    step = timedelta(days=days) * 0.999 / actions
    batch: list[DecisionRecord] = []
    for number in range(actions):
        at = until - step * (actions - number)
        asked = request(number, at, dice)
        said = decide(document, asked, version=1)
        outcome = (
            "not_run" if said.effect == "deny" else dice.choices(["succeeded", "failed", "rejected"], [94, 3, 3])[0]
        )
        batch.append(DecisionRecord(
            workspace=workspace, policy="bench", version=1, action_id=new_id("act"), trace_id="trc_bench",
            agent_id=asked.agent["id"], role=asked.role, tool=asked.tool.name, effect_class=asked.tool.effect_class,
            title=asked.tool.name, request_text=encoded(asked), effect=said.effect, rule=ruling(said),
            route=said.route.name if said.route else "", refused=list(said.refused_fields),
            spoke=[list(pair) for pair in dict.fromkeys(spoken(said))], outcome=outcome, at=at,
            finished_at=at + timedelta(minutes=2), waited_s=240 if said.effect == "approval" else None,
        ))  # fmt: skip
        if len(batch) == 2000:
            DecisionRecord.objects.bulk_create(batch)
            batch = []
    DecisionRecord.objects.bulk_create(batch)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE policies_decisionrecord")


def measure(workspace: Workspace, actions: int, days: int) -> dict[str, Any]:
    """Seed, then time the whole replay as the worker runs it, and the bare reading of its rows."""
    policy = Policy.objects.create(workspace=workspace, slug="bench", name="Bench")
    started = time.perf_counter()
    seed(workspace, actions, days)
    seeded = time.perf_counter() - started
    actor = system_actor("benchmark", workspace.pk)
    replay = start_replay(actor=actor, user=None, policy=policy, source=CANDIDATE, days=days)
    started, before = time.perf_counter(), os.times()
    run_replay(replay.pk)
    took, after = time.perf_counter() - started, os.times()
    own = after.user + after.system - before.user - before.system
    helped = after.children_user + after.children_system - before.children_user - before.children_system
    replay.refresh_from_db()
    started = time.perf_counter()
    read = sum(len(chunk) for chunk in chunks(replay))
    reading = time.perf_counter() - started
    if (replay.state, replay.done, read) != (Replay.State.DONE, actions, actions):
        raise SystemExit(f"The replay ended {replay.state} after {replay.done} of {actions} actions, {read} read.")
    return {
        "actions": actions, "seconds": round(took, 2), "actions_a_second": round(actions / took),
        "us_an_action": round(took / actions * 1e6, 1), "processor_seconds": round(own, 2),
        "helpers_processor_seconds": round(helped, 2), "load_average": round(os.getloadavg()[0], 1), "cores": os.cpu_count(),
        "reading_seconds": round(reading, 2),
        "times_reading": round(took / reading, 1), "seeding_seconds": round(seeded, 1),
        "changed": replay.result["changed"], "target_seconds": round(TARGET_S * actions / 100_000, 2),
    }  # fmt: skip


def clear(workspace: Workspace) -> None:
    """Take out what was put in, last first."""
    DecisionRecord.objects.filter(workspace=workspace).delete()
    Replay.objects.filter(policy__workspace=workspace).delete()
    Policy.objects.filter(workspace=workspace).delete()
    workspace.delete()


def main() -> int:
    """0 when it was as quick as promised, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--actions", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--json", action="store_true", dest="as_json")
    options = parser.parse_args()
    slug = new_id("ben").lower().replace("_", "-")
    workspace = Workspace.objects.create(slug=slug, name="Benchmark", environment=Workspace.Environment.SANDBOX)
    try:
        found = measure(workspace, options.actions, options.days)
    finally:
        clear(workspace)
    tell(found, as_json=options.as_json)
    return 0 if found["seconds"] <= found["target_seconds"] else 1


if __name__ == "__main__":
    sys.exit(main())
