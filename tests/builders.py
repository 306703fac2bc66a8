"""Plain functions that take a trace from one state to the next through the product's own services."""

import copy
from datetime import UTC, datetime, timedelta

from accounts.actors import actor_for_user, system_actor
from actions.models import Action
from actions.plans import Step
from actions.services import apply_verdict, run_and_advance, start_plan
from actions.states import State
from actions.turns import is_its_turn
from approvals.models import ApprovalRequest
from approvals.services import record_verdict
from console.sample import policy_source
from policies.engine.document import load
from policies.engine.yaml_out import dump
from policies.models import PolicyVersion
from policies.services import publish_version
from sample.agent.__main__ import INTENT, SOURCES, STEPS
from tests.cast import WORLD
from traces.models import Trace
from traces.services import open_trace

TESTS = system_actor("tests", "")


def opened(cast, *, asker: str = "maya", intent: str = INTENT) -> Trace:
    return open_trace(
        actor=cast.agent_actor, workspace_id=cast.northwind.pk, agent=cast.agent, on_behalf_of=cast.user(asker),
        intent=intent, sources=SOURCES,
    )  # fmt: skip


def planned(cast, steps=STEPS) -> Trace:
    trace = opened(cast)
    given = [Step(step["title"], step["tool"], step["arguments"]) for step in steps]
    start_plan(actor=cast.agent_actor, agent=cast.agent, trace=trace, steps=given, sources=SOURCES)
    return trace


def action(trace: Trace, tool: str) -> Action:
    return Action.objects.get(trace=trace, tool_name=tool)


def request_of(trace: Trace, tool: str) -> ApprovalRequest:
    return ApprovalRequest.objects.get(action_id=action(trace, tool).pk)


def vote(
    cast, request: ApprovalRequest, first: str, choice: str = "approve", reason: str = "", digest: str = ""
) -> None:
    request.refresh_from_db()
    user = cast.user(first)
    record_verdict(
        actor=actor_for_user(user, request.workspace), user=user, request_id=request.pk, choice=choice, reason=reason,
        digest=digest or request.digest,
    )  # fmt: skip
    apply_verdict(request_id=request.pk)


def work(trace: Trace) -> None:
    """What the worker does: run whatever may run, until nothing may."""
    for _ in range(20):
        waiting = [a for a in Action.objects.filter(trace=trace, state=State.AUTHORIZED) if is_its_turn(a)]
        if not waiting:
            return
        for found in waiting:
            run_and_advance(actor=system_actor("worker", trace.workspace_id), action_id=found.pk)


def sample_plain(name: str = "support") -> dict:
    """The sample policy as plain data, free to change; its own tests are left out."""
    source = policy_source(WORLD / f"{name}.policy.yaml", now=datetime.now(UTC), by=TESTS)
    plain = copy.deepcopy(dict(load(source).plain))
    plain["tests"] = []
    return plain


def waive(plain: dict, *controls: str, role: str = "refunds", reason: str = "A test.") -> None:
    """Put waivers of these controls in force, beside those the policy has."""
    until = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%dT%H:%MZ}"
    told = {"role": role, "reason": reason, "by": TESTS.name, "expires": until}
    waivers = plain.setdefault("waivers", [])
    waivers += [{"id": control.replace("_", "-"), "control": control, **told} for control in controls]


def publish(cast, plain: dict, message: str = "Changed by a test") -> PolicyVersion:
    """Publish as the shell does, through every gate."""
    return publish_version(
        actor=system_actor("tests", cast.northwind.pk), workspace=cast.northwind, source=dump(plain), message=message
    )
