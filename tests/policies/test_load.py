"""Loading: strict YAML, the whole language parsed, each mistake with its line and remedy (R-31)."""

import json
from pathlib import Path

import pytest

from policies.engine.document import load
from policies.engine.problems import PolicyError
from policies.engine.schema import SCHEMA

HEAD = "policy: {slug: a, name: A}\n"
ROLE = "roles:\n  r:\n    tier: autonomous\n    tools: {}\n"
STEP = "routes:\n  x:\n    steps: [{name: N, group: g}]\n"

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
    (HEAD + ROLE + STEP + "    break_glass: {group: h}\n", 9, "'review_group' is a required property"),
    (HEAD + ROLE + STEP + "    break_glass: {group: h, review_group: i, reason_min: 19}\n", 9, "19 is less than"),
    (HEAD + ROLE + STEP + "    escalation:\n      - {after: 1h, to: h}\n", 10, "expires before it escalates"),
    (HEAD + ROLE + STEP + "    escalation:\n      - {after: 5min}\n", 10, "'to' is a required property"),
    (HEAD + ROLE + STEP + "    escalation:\n      - {after: 5min, to: g}\n", 10, "g decides that already"),
    (HEAD + ROLE + STEP + "    escalation:\n      - {after: 5min, to: h, step: M}\n", 10, "no step M in this route"),
    (HEAD + ROLE + STEP + "    escalation: [{after: 5min, to: h}, {after: 9min, to: h}]\n", 9, "to h twice"),
    (HEAD + ROLE + STEP + "    remind: 60min\n", 9, "expires before anybody is reminded"),
    (HEAD + ROLE + STEP + "    remind: 1min\n", 9, "more than 20 reminders"),
    (HEAD + ROLE + "routes:\n  x:\n    steps:\n      - {name: N, group: g, with: previous}\n", 9, "none before it"),
    (
        HEAD + ROLE + "routes:\n  x:\n    steps:\n      - {name: N}\n",
        9,
        "A step names a group, people, or attributes of people",
    ),
    (HEAD + ROLE + "routes:\n  x:\n    steps:\n      - {name: N, people: [a@b.c], quorum: 2}\n", 9, "it names 1"),
    (HEAD + ROLE + "routes:\n  x:\n    steps:\n      - {name: N, people: [A@b.c]}\n", 9, "is not an email"),
    (HEAD + "roles: {r: {tier: autonomous, tools: {}}, b: [}\n", 2, "Not YAML"),
]


@pytest.mark.parametrize(("text", "line", "words"), BAD, ids=[words for _, _, words in BAD])
def test_bad_document_names_line_and_remedy(text, line, words):
    with pytest.raises(PolicyError) as caught:
        load(text)
    assert any(problem.line == line and words in problem.message for problem in caught.value.problems), str(
        caught.value
    )


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
