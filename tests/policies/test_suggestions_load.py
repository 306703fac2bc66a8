"""Whatever a document that loads loses by a suggestion to tighten, it still loads: so a page need not load each of them."""

from hypothesis import HealthCheck, assume, given, settings

from policies import edits
from policies.engine.endings import then_of
from tests.policies import generated as made

PATIENT = [HealthCheck.filter_too_much, HealthCheck.too_slow]


@settings(max_examples=80, deadline=None, suppress_health_check=PATIENT)
@given(made.documents())
def test_a_document_loads_after_any_suggestion_to_tighten(plain):
    assume(made.loads(plain) is not None)
    for role, data in plain["roles"].items():
        for tool, rule in data["tools"].items():
            assert made.loads(edits.set_mode(plain, role=role, tool=tool, mode="off")) is not None
            if (then := then_of(rule)) is not None:
                route = rule["route"] if then == "approval" else None
                assert made.loads(edits.set_mode(plain, role=role, tool=tool, mode=then, route=route)) is not None
        for kind, listed in data.get("fields", {}).items():
            for path in listed.get("write", ()):
                after = edits.refuse_field(plain, role=role, resource_type=kind, path=path, kind="write")
                assert made.loads(after) is not None
