"""The tiers against Cedar: every tier, effect class and mode, with prohibitions over them, some of which fail.

Cedar is asked whether a call may run by itself, as a draft or with approval; the tiers are written in its own words below.
`REMIT_CASES` says how many calls (`make differential` asks 20,000), `REMIT_SEED` which ones.
"""

import json
import os
from collections import Counter
from typing import Any

import cedarpy

from policies.engine.builder import Builder
from policies.engine.decide import decide
from policies.engine.selftest import request_from
from policies.engine.yaml_source import Source
from tests.policies.test_differential import CEDAR, EXPRESSIONS, SEED, Pick, arguments, some

CASES = int(os.environ.get("REMIT_CASES", "4000"))
CALLS = 50  # Of one document.
CLASSES = ("read", "draft", "write", "side_effect", "continuous")
MODES = ("", "off", "auto", "draft", "approval")
EFFECTS = {"auto": "allow", "draft": "draft", "approval": "approval"}
TOOLS = {f"{kind}.{number}": kind for kind in CLASSES for number in range(3)}
# What a tier gives the classes of effect, for tools that say nothing themselves; what it does not name is denied.
TIERS = """
permit(principal in Tier::"read-only", action == Action::"auto", resource in Class::"read") when { principal.follows.contains(resource) };
permit(principal in Tier::"draft-only", action == Action::"auto", resource in Class::"read") when { principal.follows.contains(resource) };
permit(principal in Tier::"draft-only", action == Action::"auto", resource in Class::"draft") when { principal.follows.contains(resource) };
permit(principal in Tier::"draft-only", action == Action::"draft", resource in Class::"write") when { principal.follows.contains(resource) };
permit(principal in Tier::"execute-with-approval", action == Action::"auto", resource in Class::"read")
  when { principal.follows.contains(resource) };
permit(principal in Tier::"execute-with-approval", action == Action::"auto", resource in Class::"draft")
  when { principal.follows.contains(resource) };
permit(principal in Tier::"execute-with-approval", action == Action::"approval", resource in Class::"write")
  when { principal.follows.contains(resource) };
permit(principal in Tier::"execute-with-approval", action == Action::"approval", resource in Class::"side_effect")
  when { principal.follows.contains(resource) };
permit(principal in Tier::"autonomous", action == Action::"auto", resource) when { principal.follows.contains(resource) };
"""
RANKS = ("read-only", "draft-only", "execute-with-approval", "autonomous")


def document(pick: Pick) -> dict[str, Any]:
    """One role of a random tier; its tools have every mode, none or are not listed; up to two prohibitions."""
    tools = {name: _rule(pick.choice(MODES)) for name in TOOLS if pick.random() < 0.9}
    forbids = [
        {"id": f"i{number}", "when": {**_when(pick)}, "forbid": pick.choice(EXPRESSIONS)[0], "reason": "No."}
        for number in range(pick.choice((0, 0, 1, 2)))
    ]
    return {
        "policy": {"slug": "tiers", "name": "Tiers"},
        "roles": {"r": {"tier": pick.choice(RANKS), "tools": tools}},
        "routes": {"one": {"steps": [{"name": "Lead", "group": "leads"}]}},
        "invariants": forbids,
    }


def _rule(mode: str) -> dict[str, str]:
    return ({"mode": mode} if mode else {}) | ({"route": "one"} if mode == "approval" else {})


def _when(pick: Pick) -> dict[str, list[str]]:
    """About some tools, some classes, both or everything."""
    found = {"tools": some(pick, TOOLS, 4), "effect_classes": some(pick, CLASSES, 2)}
    return {name: value for name, value in found.items() if value and pick.random() < 0.6}


def cedar_of(plain: dict[str, Any]) -> str:
    """The document in Cedar's words: the tiers, what tools say themselves, and the prohibitions."""
    own = [
        f'permit(principal in Role::"r", action == Action::"{rule["mode"]}", resource == Tool::"{name}");'
        for name, rule in plain["roles"]["r"]["tools"].items()
        if rule.get("mode") in EFFECTS
    ]
    return "\n".join([TIERS, *own, *map(_forbid, plain["invariants"])])


def _forbid(rule: dict[str, Any]) -> str:
    tools = ", ".join(f'Tool::"{name}"' for name in rule["when"].get("tools", TOOLS))
    kinds = ", ".join(f'Class::"{kind}"' for kind in rule["when"].get("effect_classes", CLASSES))
    about = f"[{tools}].contains(resource) && resource in [{kinds}]"
    return f"forbid(principal, action, resource) when {{ {about} }} when {{ {CEDAR[rule['forbid']]} }};"


def entities_of(plain: dict[str, Any]) -> cedarpy.Entities:
    """The user in the role in its tier, with the listed tools that follow it; every tool in its class."""
    role = plain["roles"]["r"]
    follows = [{"__entity": {"type": "Tool", "id": name}} for name, rule in role["tools"].items() if "mode" not in rule]
    made = [
        _entity("User", "u", [("Role", "r")], {"follows": follows}), _entity("Role", "r", [("Tier", role["tier"])], {}),
        *(_entity("Tier", tier, [], {}) for tier in RANKS), *(_entity("Class", kind, [], {}) for kind in CLASSES),
        *(_entity("Tool", name, [("Class", kind)], {}) for name, kind in TOOLS.items()),
    ]  # fmt: skip
    return cedarpy.Entities.from_json_str(json.dumps(made))


def _entity(kind: str, name: str, parents: list[tuple[str, str]], attributes: dict[str, Any]) -> dict[str, Any]:
    above = [{"type": type_, "id": id_} for type_, id_ in parents]
    return {"uid": {"type": kind, "id": name}, "attrs": attributes, "parents": above}


def asked_of_cedar(tool: str, args: dict[str, Any], policies: Any, entities: Any) -> tuple[str, int]:
    """What Cedar lets through, as our effect, and how many of its policies could not be evaluated."""
    found, errors = "deny", 0
    for mode, effect in EFFECTS.items():
        answer = cedarpy.is_authorized(
            {"principal": 'User::"u"', "action": f'Action::"{mode}"', "resource": f'Tool::"{tool}"', "context": {"args": args}},
            policies, entities,
        )  # fmt: skip
        errors = max(errors, len(answer.diagnostics.errors))
        if answer.allowed:
            assert found == "deny", "A tool has one mode."
            found = effect
    return found, errors


def test_cedar_reads_the_tiers_the_same_but_skips_a_forbid_that_fails():
    seen, effects, skipped = Counter[tuple[str, str, str]](), Counter[str](), 0
    for number in range(CASES // CALLS):
        pick = Pick(f"{SEED}:tiers:{number}")
        plain = document(pick)
        loaded, entities = Builder(Source(plain)).build(), entities_of(plain)
        policies = cedarpy.PolicySet.from_str(cedar_of(plain))
        for _ in range(CALLS):
            tool, args = pick.choice(list(TOOLS)), arguments(pick)
            facts = {"name": tool, "resource_type": "x", "effect_class": TOOLS[tool], "reversibility": "reversible"}
            ours = decide(loaded, request_from({"role": "r", "tool": facts, "arguments": args}))
            theirs, errors = asked_of_cedar(tool, args, policies, entities)
            rule = plain["roles"]["r"]["tools"].get(tool)
            mode = "unlisted" if rule is None else rule.get("mode", "")
            seen[plain["roles"]["r"]["tier"], TOOLS[tool], mode] += 1
            effects[theirs] += 1
            if ours.effect != theirs:
                skipped += 1
                failed = [check for check in ours.checks if check.outcome == "denied"]
                assert ours.effect == "deny" and errors >= len(failed) > 0, (plain, tool, args, ours)
                assert {check.value for check in failed} == {"error"}, (plain, tool, args, failed)
    assert len(seen) == len(RANKS) * len(CLASSES) * (len(MODES) + 1), "A cell of the matrix was never asked."
    assert skipped > CASES / 400, "No forbid failed: the difference was never seen."
    assert min(effects[effect] for effect in ("allow", "draft", "approval", "deny")) > CASES / 40, effects
