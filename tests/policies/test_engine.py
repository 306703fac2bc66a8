"""The pure engine: cases as data, and properties that hold for every document and request (T7, T8, A-01)."""

from dataclasses import replace
from pathlib import Path

import pytest
import rfc8785
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.engine.decide import decide, visible
from policies.engine.document import load
from policies.engine.selftest import request_from, run_tests
from policies.engine.types import Request

HERE = Path(__file__).parent
WORLD = HERE.parent.parent / "sample" / "world"
SUPPORT = (WORLD / "support.policy.yaml").read_text()
CASES = yaml.safe_load((HERE / "cases" / "refunds.yaml").read_text())
DOCUMENT = load(SUPPORT)
RANK = {"allow": 0, "draft": 1, "approval": 2, "deny": 3}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["description"])
def test_case(case):
    decision = decide(DOCUMENT, request_from(case["request"]))
    assert decision.effect == case["effect"], decision.reason
    spoke = [[check.name, check.outcome, check.rule] for check in decision.checks]
    assert [check for check in case["checks"] if check not in spoke] == []
    if "route" in case:
        assert [step.name for step in decision.route.steps] == case["route"]
    if "holds" in case:
        assert {hold.key: hold.amount for hold in decision.holds} == case["holds"]


@pytest.mark.parametrize("name", ["support", "front-desk"])
def test_sample_documents_pass_their_own_tests(name):
    results = run_tests(load((WORLD / f"{name}.policy.yaml").read_text()))
    assert results and [result for result in results if result.failure] == []


def test_every_check_names_rule_reason_and_a_remedy_when_denied():
    for case in CASES:
        for check in decide(DOCUMENT, request_from(case["request"])).checks:
            assert check.rule and check.reason.endswith(".")
            assert check.outcome != "denied" or check.remedy or check.name == "Role"


def test_unlisted_fields_are_withheld_on_read():
    shown, withheld = visible(DOCUMENT, "refunds", "desk.account", {"id": "a", "name": "B", "credit_limit": "1"})
    assert shown == {"id": "a", "name": "B"} and withheld == ["credit_limit"]
    assert visible(DOCUMENT, "refunds", "desk.unknown", {"secret": 1})[1] == ["secret"]


def test_a_request_that_breaks_the_engine_is_denied():
    request = request_from(CASES[2]["request"])
    broken = replace(request, money=object())  # Not a Money: every limit that looks at it fails.
    decision = decide(DOCUMENT, broken)
    assert decision.effect == "deny" and "could not be made" in decision.reason


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
requests = st.sampled_from([case["request"] for case in CASES]).map(request_from)


@settings(max_examples=200, deadline=None)
@given(requests, st.dictionaries(st.text(max_size=8), json_values, max_size=4))
def test_any_arguments_give_a_decision_and_never_an_exception(request: Request, arguments):
    decision = decide(DOCUMENT, replace(request, arguments=arguments, record=arguments))
    assert decision.effect in RANK and rfc8785.dumps(decision.to_json())


@settings(max_examples=100, deadline=None)
@given(requests)
def test_same_inputs_give_the_same_bytes(request: Request):
    assert rfc8785.dumps(decide(DOCUMENT, request).to_json()) == rfc8785.dumps(decide(load(SUPPORT), request).to_json())


@settings(max_examples=100, deadline=None)
@given(requests)
def test_adding_a_forbid_never_allows_more(request: Request):
    stricter = load(
        SUPPORT.replace("invariants:\n", "invariants:\n  - {id: x.all, when: {}, forbid: 'true', reason: Stop.}\n")
    )
    assert decide(stricter, request).effect == "deny"


@settings(max_examples=200, deadline=None)
@given(requests, st.text(max_size=200))
def test_a01_text_an_agent_wrote_is_not_an_input(request: Request, prose: str):
    """The request has no place for intent or justification: only parsed arguments, stored state and principals."""
    assert set(Request.__dataclass_fields__) == {
        "role", "agent", "requester", "tool", "arguments", "fields", "record", "money", "recipients", "usage", "at",
    }  # fmt: skip
    told = replace(request, requester={**request.requester, "note": prose})
    assert decide(DOCUMENT, told).effect == decide(DOCUMENT, request).effect
