"""A request as the text that is kept of it, and what of a decision is counted later. Pure."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

from policies.engine.types import Decision, Money, Request, ToolFacts


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
        # Beside the tool, in whose list the connection stands last (`policies.breaker_counts`).
        **({"needs": list(tool.needs)} if tool.needs else {}),
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


def decoded(text: str, usage: Mapping[str, int]) -> Request:
    """The inverse of `encoded`, with the given usage. Raises ValueError."""
    try:
        value = orjson.loads(text)
        money = value["money"]
        return Request(
            value["role"], value["agent"], value["requester"], _tool(value), value["arguments"],
            value["fields"], value["record"], Money(money[0], money[1]) if money else None, tuple(value["recipients"]),
            usage, datetime.fromisoformat(value["at"]), frozenset(value["tripped"]),
        )  # fmt: skip
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"This is not a recorded request: {type(error).__name__}.") from error


def _tool(value: Mapping[str, Any]) -> ToolFacts:
    return _facts(*value["tool"], needs=tuple(value.get("needs", ())))


@lru_cache(maxsize=4096)
def _facts(
    name: str,
    resource_type: str,
    effect_class: str,
    reversibility: str,
    rows: bool = False,
    money: bool = False,
    connection: str = "",
    needs: tuple[str, ...] = (),
) -> ToolFacts:
    """Tools are few and requests many. Records of before connections were counted name none."""
    return ToolFacts(name, resource_type, effect_class, reversibility, rows, money, connection, needs)
