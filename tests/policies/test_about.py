"""Looking rules up by what they name finds exactly the rules that speak of a call."""

from hypothesis import given, settings
from hypothesis import strategies as st

from policies.engine.document import load_plain
from policies.engine.parts import About
from policies.engine.types import EFFECT_CLASSES, ToolFacts

ROLES, TOOLS, TYPES = ("clerk", "lead"), ("a.one", "a.two"), ("thing", "other")
whens = st.fixed_dictionaries(
    {},
    optional={
        "roles": st.lists(st.sampled_from(ROLES), min_size=1, unique=True),
        "tools": st.lists(st.sampled_from(TOOLS), min_size=1, unique=True),
        "resource_types": st.lists(st.sampled_from(TYPES), min_size=1, unique=True),
        "effect_classes": st.lists(st.sampled_from(EFFECT_CLASSES), min_size=1, unique=True),
    },
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(whens, max_size=8),
    st.sampled_from((*ROLES, "x")),
    st.sampled_from((*TOOLS, "x")),
    st.sampled_from((*TYPES, "x")),
)
def test_the_rules_about_a_call_are_those_whose_when_covers_it(found, role, tool, kind):
    rule = {"forbid": "false", "reason": "No."}
    document = load_plain(
        {
            "policy": {"slug": "p", "name": "P"},
            "roles": {name: {"tier": "autonomous", "tools": {}} for name in ROLES},
            "invariants": [{"id": f"i{9 - number}", "when": when, **rule} for number, when in enumerate(found)],
        }
    )
    for effect_class in EFFECT_CLASSES:
        facts = ToolFacts(tool, kind, effect_class, "reversible")
        wanted = [
            one.id for one in document.invariants
            if (not one.when.roles or role in one.when.roles) and one.when.may_cover(facts)
        ]  # fmt: skip
        assert [one.id for one in About.of(document.about.invariants, role, facts)] == sorted(wanted)
