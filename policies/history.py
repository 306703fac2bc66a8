"""What was decided, kept as replay needs it: exactly what the engine was given, what it said, what became of the action.

It decides nothing and writes no ledger entry: the ledger has the decision itself, these rows make it countable.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

from accounts.clock import database_now
from policies.engine.types import Decision, Money, Request, ToolFacts
from policies.models import DecisionRecord

Outcome = DecisionRecord.Outcome
# What was denied before the engine was asked (a pause, an unreadable target, an unknown tool): no document decides otherwise.
OUTSIDE_ENGINE = frozenset({"pause", "preview", "tools"})
_REPLACED = [
    "workspace", "policy", "version", "trace_id", "agent_id", "role", "tool", "effect_class", "title", "request_text",
    "effect", "rule", "route", "refused", "spoke", "outcome", "waited_s", "at", "finished_at", "shadow_digest",
    "shadow_effect", "shadow_rule", "shadow_reason",
]  # fmt: skip


def record_decision(
    *,
    workspace_id: str,
    action_id: str,
    trace_id: str,
    agent_id: str,
    title: str,
    request: Request,
    decision: Decision,
    shadow: Decision | None = None,
    shadow_digest: str = "",
) -> DecisionRecord:
    """Keep one decision. A later one on the same action (a person's edit) replaces it whole, outcome included.

    Runs inside the transaction of the decision. Raises ValueError for a request that JSON cannot carry unchanged.
    """
    record = DecisionRecord(
        workspace_id=workspace_id,
        action_id=action_id,
        trace_id=trace_id,
        agent_id=agent_id,
        title=title[:300],
        role=request.role[:80],
        tool=request.tool.name[:120],
        effect_class=request.tool.effect_class,
        request_text=encoded(request),
        at=request.at,
        **_said(decision),
        **_shadowed(shadow, shadow_digest),
    )
    made = DecisionRecord.objects.bulk_create(
        [record], update_conflicts=True, unique_fields=["action_id"], update_fields=_REPLACED
    )
    return made[0]


def _said(decision: Decision) -> dict[str, Any]:
    return {
        "policy": decision.policy["slug"],
        "version": decision.policy["version"],
        "effect": decision.effect,
        "rule": ruling(decision)[:200],
        "route": decision.route.name if decision.route else "",
        "refused": list(decision.refused_fields),
        "spoke": [[rule, outcome] for rule, outcome in dict.fromkeys(spoken(decision))],
    }


def _shadowed(shadow: Decision | None, digest: str) -> dict[str, Any]:
    if shadow is None:
        return {}
    return {
        "shadow_digest": digest,
        "shadow_effect": shadow.effect,
        "shadow_rule": ruling(shadow)[:200],
        "shadow_reason": shadow.reason[:500],
    }


def record_outcome(*, action_id: str, outcome: str, waited_s: int | None = None) -> DecisionRecord | None:
    """Say what became of a decided action; `waited_s` is how long people took, where they were asked.

    None for an action that was decided before history was kept. Raises ValueError for what is no outcome.
    """
    if outcome not in Outcome.values or outcome == Outcome.OPEN:
        raise ValueError(f"{outcome} is not an outcome.")
    columns: dict[str, Any] = {"outcome": outcome, "finished_at": database_now()}
    if waited_s is not None:
        columns["waited_s"] = waited_s
    DecisionRecord.objects.filter(action_id=action_id).update(**columns)
    return DecisionRecord.objects.filter(action_id=action_id).first()


def record_wait(*, action_id: str, waited_s: int) -> None:
    """Say how long people took to decide an action that goes on."""
    DecisionRecord.objects.filter(action_id=action_id).update(waited_s=max(waited_s, 0))


def ruling(decision: Decision) -> str:
    """The rule that decided: the first that denied, or the first that asked for what was decided; "" when none did."""
    wanted = "denied" if decision.effect == "deny" else "escalated"
    found = [check for check in decision.checks if check.outcome == wanted]
    if decision.effect == "approval":
        # A tool in draft mode that a limit sends to people is decided by the limit.
        found = [check for check in found if check.value != "draft"] or found
    return found[0].rule if found else ""


def spoken(decision: Decision) -> list[tuple[str, str]]:
    """`(rule, outcome)` of every check that did not pass, in order; a rule on several fields stands several times."""
    return [(check.rule, check.outcome) for check in decision.checks if check.outcome != "passed"]


def encoded(request: Request) -> str:
    """A request as JSON with sorted names, usage left out: a replay counts its own. Raises ValueError."""
    if request.at.tzinfo is None:
        raise ValueError("The time of a request has a zone.")
    tool, money = request.tool, request.money
    value = {
        "role": request.role,
        "agent": request.agent,
        "requester": request.requester,
        "tool": [
            tool.name,
            tool.resource_type,
            tool.effect_class,
            tool.reversibility,
            tool.returns_rows,
            tool.moves_money,
            tool.connection,
        ],
        "arguments": request.arguments,
        "fields": request.fields,
        "record": request.record,
        "money": [money.amount_minor, money.currency] if money else None,
        "recipients": request.recipients,
        "at": request.at.isoformat(),
        "tripped": sorted(request.tripped),
    }
    try:
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError as error:
        raise ValueError(f"The request has no JSON form: {error}") from error
    if (
        decoded(text, request.usage) != request
    ):  # NaN, or a tuple where JSON has lists: replay would see something else.
        raise ValueError("The request changes when it is written as JSON.")
    return text


def request_of(record: DecisionRecord) -> Request:
    """Exactly the request the engine was given, without usage. Raises ValueError for a text that is none."""
    return decoded(record.request_text, {})


def decoded(text: str, usage: Mapping[str, int]) -> Request:
    """The inverse of `encoded`, with the given usage. Raises ValueError."""
    try:
        value = orjson.loads(text)
        money = value["money"]
        return Request(
            value["role"], value["agent"], value["requester"], _facts(*value["tool"]), value["arguments"],
            value["fields"], value["record"], Money(money[0], money[1]) if money else None, tuple(value["recipients"]),
            usage, datetime.fromisoformat(value["at"]), frozenset(value["tripped"]),
        )  # fmt: skip
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"This is not a recorded request: {type(error).__name__}.") from error


@lru_cache(maxsize=4096)
def _facts(
    name: str,
    resource_type: str,
    effect_class: str,
    reversibility: str,
    rows: bool = False,
    money: bool = False,
    connection: str = "",
) -> ToolFacts:
    """Tools are few and requests many. Records of before connections were counted name none."""
    return ToolFacts(name, resource_type, effect_class, reversibility, rows, money, connection)
