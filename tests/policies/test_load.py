"""Loading: strict YAML, the whole language parsed, what is not enforced refused with line and field (R-31)."""

import json
from pathlib import Path

import pytest

from policies.engine.document import load
from policies.engine.problems import PolicyError
from policies.engine.schema import NOT_ENFORCED, SCHEMA

HEAD = "policy: {slug: a, name: A}\n"
ROLE = "roles:\n  r:\n    tier: autonomous\n    tools: {}\n"

BAD = [
    ("", 1, "empty"),
    ("policy: {slug: a, name: A}\npolicy: {slug: b, name: B}\n", 2, "twice"),
    (HEAD + "roles: &x {}\n", 2, "Anchors"),
    (HEAD + ROLE + "limits: !!python/object:x {}\n", 6, "Anchors, aliases and tags"),
    (HEAD + ROLE + "invariants: [{id: a, when: {}, require: 'true', reason: R., extra: 1}]\n", 6, "extra is not known"),
    (HEAD + "roles:\n  r:\n    tier: yolo\n    tools: {}\n", 4, "yolo"),
    (HEAD + ROLE + "    scopes: {x.y: 'record.a =='}\n", 6, "not a CEL expression"),
    (HEAD + ROLE + "    scopes: {x.y: 'intent == 1'}\n", 6, "intent is not known"),
    (HEAD + "roles:\n  r:\n    tier: autonomous\n    tools: {a.b: {mode: approval}}\n", 5, "needs a route"),
    (HEAD + "roles:\n  r:\n    tier: autonomous\n    tools: {a.b: {route: nobody}}\n", 5, "no route nobody"),
    (HEAD + ROLE + "limits: [{id: l, when: {}, kind: money, per: action, max: 1, over: deny}]\n", 6, "currency"),
    (HEAD + ROLE + "limits: [{id: l, when: {}, kind: count, per: agent, max: 1, over: deny}]\n", 6, "window"),
    (
        HEAD + ROLE + "limits: [{id: l, when: {}, kind: count, per: agent, max: .inf, window: 1d, over: deny}]\n",
        6,
        ".inf",
    ),
    (
        HEAD + ROLE + "limits: [{id: l, when: {}, kind: rate, per: action, max: 1, over: deny}]\n",
        6,
        "calls in a window",
    ),
    (HEAD + ROLE + "routes:\n  x:\n    steps: [{name: N, group: g}]\n    break_glass: {}\n", 9, "Break glass"),
    (HEAD + ROLE + "routes:\n  x:\n    steps: [{name: N, group: g}]\n    escalation: {}\n", 9, "Escalation timers"),
    (HEAD + "roles: {r: {tier: autonomous, tools: {}}, b: [}\n", 2, "Not YAML"),
]


@pytest.mark.parametrize(("text", "line", "words"), BAD, ids=[words for _, _, words in BAD])
def test_bad_document_names_line_and_remedy(text, line, words):
    with pytest.raises(PolicyError) as caught:
        load(text)
    assert any(problem.line == line and words in problem.message for problem in caught.value.problems), str(
        caught.value
    )


def test_every_part_that_is_not_enforced_has_a_refusal_above():
    said = " ".join(words for _, _, words in BAD) + " Waivers Redaction by policy"
    assert {what for what in NOT_ENFORCED.values() if what.split()[0] not in said} == set()


def test_all_problems_are_reported_at_once():
    with pytest.raises(PolicyError) as caught:
        load(HEAD + ROLE + "freezes: 1\nwaivers: [{}]\nbogus: 1\n")
    assert {problem.line for problem in caught.value.problems} == {6, 7, 8}


def test_published_schema_is_the_one_in_force():
    published = json.loads((Path(__file__).parents[2] / "docs" / "policy.schema.json").read_text())
    assert published == SCHEMA


def test_digest_follows_content_not_layout():
    flow = load(HEAD + "roles: {r: {tools: {}, tier: autonomous}}\n")
    assert flow.digest == load(HEAD + ROLE).digest
    assert flow.digest != load(HEAD + ROLE.replace("autonomous", "read-only")).digest
