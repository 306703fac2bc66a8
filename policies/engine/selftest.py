"""Runs a document's own tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from policies.engine.decide import decide
from policies.engine.document import Document
from policies.engine.types import Decision, Money, Request, ToolFacts
from policies.engine.windows import instant

_AT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Result:
    """One test: its name and, when it failed, how."""

    name: str
    failure: str | None


def run_tests(document: Document) -> tuple[Result, ...]:
    """Every test of the document."""
    return tuple(_run(document, test) for test in document.tests)


_AGENT = {"id": "agt_test", "slug": "test-agent", "name": "test-agent"}
_PERSON = {"id": "usr_test", "email": "person@example.test", "name": "Person", "groups": [], "roles": ["member"]}


def request_from(given: Mapping[str, Any]) -> Request:
    """An engine request from a test's `given`; what it leaves out is empty. Raises KeyError, TypeError or ValueError."""
    money = given.get("money")
    return Request(
        role=given["role"],
        agent={**_AGENT, **(given.get("agent") or {})},
        requester={**_PERSON, **(given.get("requester") or {})},
        tool=ToolFacts(**{**given["tool"], "needs": tuple(given["tool"].get("needs", ()))}),
        arguments=given.get("arguments") or {},
        fields=given.get("fields") or {},
        record=given.get("record"),
        money=Money(money["amount"], money["currency"]) if money else None,
        recipients=tuple(given.get("recipients") or ()),
        usage=given.get("usage") or {},
        at=instant(given["at"]) if "at" in given else _AT,
        tripped=frozenset(given.get("tripped") or ()),
    )


def _run(document: Document, test: Mapping[str, Any]) -> Result:
    decision = decide(document, request_from(test["given"]))
    return Result(test["name"], _difference(decision, test["expect"]))


def _difference(decision: Decision, expect: Mapping[str, Any]) -> str | None:
    if decision.effect != expect["effect"]:
        return f"expected {expect['effect']}, got {decision.effect}: {decision.reason}"
    if "refused" in expect and sorted(expect["refused"]) != sorted(decision.refused_fields):
        return f"expected refused fields {expect['refused']}, got {list(decision.refused_fields)}"
    if "route" in expect and (decision.route is None or decision.route.name != expect["route"]):
        return f"expected route {expect['route']}, got {decision.route.name if decision.route else 'none'}"
    spoke = {check.rule for check in decision.checks if check.outcome != "passed"}
    missing = sorted(set(expect.get("rules") or ()) - spoke)
    return f"rules that did not speak: {', '.join(missing)}" if missing else None
