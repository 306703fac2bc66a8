"""The sample policies of the documentation: they load, pass their tests, meet the ship gate and are written as Remit writes."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from policies.engine.document import load
from policies.engine.selftest import run_tests
from policies.engine.shipgate import assess, blocking
from policies.engine.types import EFFECT_CLASSES, ToolFacts
from policies.engine.yaml_out import dump

DOCS = Path(__file__).parents[2] / "docs" / "policies"
SAMPLES = {
    "read-and-summarize": "read", "draft": "draft", "write": "write", "side-effects": "side_effect", "continuous": "continuous",
}  # fmt: skip
AT = datetime(2026, 11, 21, tzinfo=UTC)
each = pytest.mark.parametrize("name", SAMPLES)


def sample(name: str):
    return load((DOCS / f"{name}.yaml").read_text())


def test_there_is_one_for_every_capability_and_the_readme_names_it():
    assert tuple(SAMPLES.values()) == EFFECT_CLASSES
    assert {path.stem for path in DOCS.glob("*.yaml")} == set(SAMPLES)
    assert all(f"({name}.yaml)" in (DOCS / "README.md").read_text() for name in SAMPLES)


@each
def test_a_sample_passes_its_own_tests_which_use_every_effect_it_can_have(name):
    document = sample(name)
    assert [result for result in run_tests(document) if result.failure] == []
    assert {test["expect"]["effect"] for test in document.tests} >= {"allow", "deny"} and len(document.tests) >= 5
    assert document.slug == name and load(dump(document.plain)).digest == document.digest


@each
def test_a_sample_meets_the_ship_gate_with_the_tools_of_its_tests(name):
    document = sample(name)
    tools = {test["given"]["tool"]["name"]: ToolFacts(**test["given"]["tool"]) for test in document.tests}
    gates = assess(document.plain, tools, at=AT)
    assert blocking(gates) == ()
    assert [row.effect_class for gate in gates for row in gate.rows if row.in_use][-1] == SAMPLES[name]


@each
def test_every_rule_of_a_sample_speaks_in_one_of_its_tests(name):
    """A rule that no test sees is a rule that may say nothing."""
    document = sample(name)
    named = {rule for test in document.tests for rule in test["expect"].get("rules", ())}
    asked = {f"breakers.{rule.id}" for rule in document.breakers} | {f"freezes.{rule.id}" for rule in document.freezes}
    assert len({f"invariants.{rule.id}" for rule in document.invariants} & named) >= bool(document.invariants)
    assert not document.breakers or asked & named
