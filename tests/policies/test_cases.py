"""The engine's cases as data: every kind of check passing, denying and failing to be judged (T7)."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import rfc8785
import yaml

from policies.engine.decide import decide
from policies.engine.document import Document, load
from policies.engine.rows import visible
from policies.engine.selftest import request_from
from policies.engine.types import Decision
from policies.engine.yaml_out import dump

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # The first is fast, and not everywhere.
Case = Mapping[str, Any]


FILES = {
    path.stem: yaml.load(path.read_text(), Loader=LOADER)  # Both are safe.
    for path in sorted((HERE / "cases").glob("*.yaml"))
}


@cache
def named_document(name: str, policy: str) -> Document:
    found = FILES[name]["policies"][policy]
    return load((ROOT / found).read_text() if isinstance(found, str) else dump(found))


def document_of(name: str, case: Case) -> Document:
    policy = case.get("policy", FILES[name]["policy"])
    return named_document(name, policy) if isinstance(policy, str) else load(dump(policy))


def given(name: str, case: Case) -> dict[str, Any]:
    """The file's request with what the case says of its own; a tool may be named."""
    found = {**FILES[name].get("request", {}), **case.get("request", {})}
    tool = found.get("tool")
    return found | ({"tool": FILES[name]["tools"][tool]} if isinstance(tool, str) else {})


def decided(name: str, case: Case) -> Decision:
    return _decided(name, case["description"])


@cache
def _decided(name: str, description: str) -> Decision:
    case = next(found for found in FILES[name]["cases"] if found["description"] == description)
    return decide(document_of(name, case), request_from(given(name, case)))


def all_cases() -> Iterator[tuple[str, Case]]:
    for name, found in FILES.items():
        for case in found.get("cases", ()):
            yield name, case


CASES = list(all_cases())
MATRIX = FILES["tiers"]["matrix"]
READS = FILES["reads"]["reads"]
SAID = FILES["explanations"]["said"]
each_case = pytest.mark.parametrize(("name", "case"), CASES, ids=[f"{n}: {c['description']}" for n, c in CASES])


def test_there_are_enough_cases_and_each_has_its_own_description():
    said = [(name, case["description"]) for name, case in CASES]
    assert len(set(said)) == len(said)
    assert len(CASES) + len(MATRIX) + len(READS) + len(SAID) >= 150


@each_case
def test_case(name: str, case: Case):
    decision = decided(name, case)
    assert decision.effect == case["effect"], decision.reason
    assert list(decision.refused_fields) == case.get("refused", [])
    assert (decision.route.name if decision.route else None) == case.get("route")
    if "holds" in case:
        assert {hold.key: hold.amount for hold in decision.holds} == case["holds"]
    assert decision.reason == case.get("reason", decision.reason)
    if "nearest" in case:
        assert decision.nearest == case["nearest"]
    else:
        check_spoke(decision, case.get("checks", []))
    check_explained(decision)
    check_reason(decision)


def check_spoke(decision: Decision, wanted: list[list[Any]]) -> None:
    """Every check named is there with its value, and no other did anything but pass."""
    said = [[check.name, check.outcome, check.rule, check.value] for check in decision.checks]
    missing = [check for check in wanted if not any(same(check, one) for one in said)]
    unnamed = [one for one in said if one[1] != "passed" and not any(same(check, one) for check in wanted)]
    assert (missing, unnamed) == ([], [])


def same(wanted: list[Any], said: list[Any]) -> bool:
    """A case may leave the value out. `true` is not 1 here."""
    return repr(wanted) == repr(said[: len(wanted)])


def check_explained(decision: Decision) -> None:
    """Every check explains itself."""
    assert rfc8785.dumps(decision.to_json())
    assert decision.reason.endswith(".") and len(decision.reason.split()) >= 3
    for check in decision.checks:
        assert check.name and check.rule and check.outcome in ("passed", "escalated", "denied")
        assert check.reason.endswith(".") and check.reason[0].strip() and len(check.reason.split()) >= 3, check
        assert check.outcome != "denied" or (check.remedy.endswith(".") and len(check.remedy.split()) >= 3), check


def check_reason(decision: Decision) -> None:
    """A decision gives the reason of a check, and a denial nothing else."""
    if decision.effect == "deny":
        assert (decision.route, decision.refused_fields, decision.holds) == (None, (), ())
        assert decision.reason in [check.reason for check in decision.checks if check.outcome == "denied"]
    else:
        asked = [check.reason for check in decision.checks if check.outcome == "escalated"]
        rules = [
            check.reason for check in decision.checks if check.outcome == "escalated" and check.name != "Tool mode"
        ]
        assert decision.reason == (rules or asked or ["Every check passed."])[0]
        assert decision.nearest is None
        assert {check.name for check in decision.checks if check.outcome == "denied"} <= {"Field allowlist"}


@pytest.mark.parametrize(("tier", "effect_class", "mode", "effect"), MATRIX, ids=lambda value: str(value))
def test_tier_and_effect_class(tier: str, effect_class: str, mode: str | None, effect: str):
    rule = {} if mode is None else {"mode": mode, **({"route": "lead"} if mode == "approval" else {})}
    role = {"tier": tier, "tools": {"a.do": rule}}
    document = load(dump({**FILES["tiers"]["policies"]["tiers"], "roles": {"r": role}}))
    tool = {"name": "a.do", "resource_type": "a.thing", "effect_class": effect_class, "reversibility": "reversible"}
    decision = decide(document, request_from({"role": "r", "tool": tool}))
    assert (decision.effect, decision.tier) == (effect, tier)
    assert (decision.route.name if decision.route else None) == ("lead" if effect == "approval" else None)
    outcome = {"allow": "passed", "deny": "denied"}.get(effect, "escalated")
    assert [(check.outcome, check.rule) for check in decision.checks] == [(outcome, "roles.r.tools.a.do")]


@pytest.mark.parametrize("case", READS, ids=lambda case: case["description"])
def test_read(case: Case):
    asked = {**FILES["reads"]["request"], **case.get("request", {})}
    principals = asked.get("principals")
    shown = visible(document_of("reads", case), asked["role"], asked["type"], case["record"], principals=principals)
    assert shown.value == case["shown"]
    assert list(shown.withheld) == case.get("withheld", [])
    assert list(shown.masked) == case.get("masked", [])
    assert shown.out_of_scope == case.get("out_of_scope", False)


@pytest.mark.parametrize("case", SAID, ids=lambda case: case["description"])
def test_all_that_a_decision_says(case: Case):
    document = document_of("explanations", case)
    said = decide(document, request_from(given("explanations", case)), version=4).to_json()
    assert said.pop("policy") == {"slug": "all", "name": "All", "version": 4, "digest": document.digest}
    checks = [list(check.values()) for check in said.pop("checks")]
    assert json.loads(rfc8785.dumps(said)) == case["decision"]
    assert repr(checks) == repr(case.get("checks", checks))


def test_every_kind_of_check_passes_and_denies_and_where_it_can_fails():
    """No kind is only ever seen from one side. Only an expression can fail to be judged; what breaks the engine is no row of
    a table (test_engine.py)."""
    seen = {(check.rule.split(".")[0], check.outcome) for name, case in CASES for check in decided(name, case).checks}
    kinds = ("roles", "fields", "invariants", "limits", "freezes", "breakers")
    assert {(kind, outcome) for kind in kinds for outcome in ("passed", "denied")} <= seen
    failed = {check.name for name, case in CASES for check in decided(name, case).checks if check.value == "error"}
    assert {"Row scope", "Never above the charge"} <= failed
