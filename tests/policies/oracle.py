"""Two other readings of a policy, to hold the engine against: plain Python written from the language's words, and Cedar.

Neither shares anything with the engine. `decide` is what the documentation says and nothing clever; `cedar_policies` puts
the part that Cedar can say (roles, tools, fields, one numeric limit, prohibitions) in its words.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple

DEFAULTS = {
    "read-only": {"read": "auto"},
    "draft-only": {"read": "auto", "draft": "auto", "write": "draft"},
    "execute-with-approval": {"read": "auto", "draft": "auto", "write": "approval", "side_effect": "approval"},
    "autonomous": dict.fromkeys(("read", "draft", "write", "side_effect", "continuous"), "auto"),
}
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
SECONDS = {"h": 3600, "d": 86400}


class Answer(NamedTuple):
    effect: str
    refused: list[str]
    route: str | None
    holds: dict[str, int]


DENIED = Answer("deny", [], None, {})


def decide(plain: Mapping[str, Any], call: Mapping[str, Any], truths: Mapping[str, Any]) -> Answer:
    """What the call gets. `truths` is expression -> a Python function of the call that says whether it holds."""
    role, tool = plain["roles"].get(call["role"]), call["tool"]
    if role is None or tool["name"] not in role["tools"]:
        return DENIED
    own = role["tools"][tool["name"]]
    mode = own.get("mode") or DEFAULTS[role["tier"]].get(tool["effect_class"], "off")
    about = lambda section: [rule for rule in plain.get(section, ()) if speaks(rule["when"], call)]  # noqa: E731
    if call["at"] >= own.get("until", "9"):
        mode = own.get("then") or ("approval" if "route" in own and mode in ("auto", "draft") else "off")
    if mode == "off" or any(frozen(rule, call["at"]) for rule in about("freezes")):
        return DENIED
    if any(trip(rule, call) in call["tripped"] for rule in about("breakers")):
        return DENIED
    scope = role.get("scopes", {}).get(tool["resource_type"])
    if scope is not None and (call["record"] is None or not truth(truths, scope, call, True)):
        return DENIED
    if not all(
        truth(truths, rule.get("require") or rule["forbid"], call, "require" in rule) for rule in about("invariants")
    ):
        return DENIED
    rule = role.get("fields", {}).get(tool["resource_type"], {})
    refused = sorted(name for name, value in call["fields"].items() if not written(name, value, rule.get("write", ())))
    if refused and (rule.get("unlisted") == "refuse_action" or len(refused) == len(call["fields"])):
        return DENIED
    asked, holds = [], {}
    for limit in about("limits"):
        amount = 1 if limit["kind"] != "money" else added(limit, call["money"])
        if amount is None:
            return DENIED
        key = f"{limit['id']}:{limit['per']}:{whose(limit['per'], call)}"
        if limit["per"] != "action":
            holds[key] = amount
        if amount + (call["usage"].get(key, 0) if limit["per"] != "action" else 0) > limit["max"]:
            if limit["over"] == "deny":
                return DENIED
            asked.append(limit["route"])
    if mode == "approval":
        asked.append(own.get("route") or strictest(plain, list(plain["routes"])))
    if asked:
        return Answer("approval", refused, strictest(plain, asked), holds)
    return Answer({"auto": "allow", "draft": "draft"}[mode], refused, None, holds)


def speaks(when: Mapping[str, Any], call: Mapping[str, Any]) -> bool:
    tool = call["tool"]
    said = {
        "roles": call["role"],
        "tools": tool["name"],
        "resource_types": tool["resource_type"],
        "effect_classes": tool["effect_class"],
    }
    return all(not when.get(name) or value in when[name] for name, value in said.items())


def truth(truths: Mapping[str, Any], expression: str, call: Mapping[str, Any], wanted: bool) -> bool:
    """Whether the expression says what is wanted. One that cannot be evaluated never does."""
    try:
        said = truths[expression](call)
    except (KeyError, TypeError, ZeroDivisionError):
        return False
    return said is wanted


def frozen(rule: Mapping[str, Any], at: str) -> bool:
    now = datetime.fromisoformat(at.replace("Z", "+00:00"))
    if "from" in rule:
        return rule["from"] <= at < rule["until"]  # Both are written to the minute or all to the second.
    monday = datetime(2024, 1, 1, tzinfo=timezone.utc)  # noqa: UP017  # The engine's spelling is not used here.
    second, week = int((now - monday).total_seconds()), 7 * 86400
    start, end = (int(text[:2]) * 3600 + int(text[3:]) * 60 for text in (rule["start"], rule["end"]))
    length = end - start if end > start else end - start + 86400
    return any((second - DAYS.index(day) * 86400 - start) % week < length for day in rule["days"])


def trip(rule: Mapping[str, Any], call: Mapping[str, Any]) -> str:
    return (
        f"{rule['id']}:{rule['per']}:"
        + {
            "agent": call["agent"]["id"],
            "tool": call["tool"]["name"],
            "workspace": "all",
            "connection": call["tool"].get("connection", ""),
        }[rule["per"]]
    )


def whose(per: str, call: Mapping[str, Any]) -> str:
    people = {"agent": call["agent"]["id"], "role": call["role"], "requester": call["requester"]["id"]}
    return people.get(per, "all")


def added(limit: Mapping[str, Any], money: Mapping[str, Any] | None) -> int | None:
    if money is None:
        return 0
    return money["amount"] if money["currency"] == limit["currency"] and money["amount"] >= 0 else None


def written(name: str, value: Any, allowed: list[str]) -> bool:
    """Whether every leaf of a field lies at or under an allowed path."""
    listed = {tuple(path.split(".")) for path in allowed}
    return all(any(leaf[:size] in listed for size in range(1, len(leaf) + 1)) for leaf in parts((name,), value))


def parts(path: tuple[str, ...], value: Any) -> Iterator[tuple[str, ...]]:
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from parts((*path, name), item)
    elif isinstance(value, list) and value:
        for item in value:
            yield from parts(path, item)
    else:
        yield path


def strictest(plain: Mapping[str, Any], names: list[str]) -> str:
    def measure(name: str) -> tuple[int, int, int, bool, int, str]:
        route = plain["routes"][name]
        steps, further = route["steps"], len(route.get("escalation", ()))
        people, parallel = sum(step.get("quorum", 1) for step in steps), sum("with" in step for step in steps)
        return len(steps), people, -parallel, "break_glass" not in route, -further, name

    return sorted(names, key=measure)[-1]


def cedar_policies(plain: Mapping[str, Any], translated: Mapping[str, str]) -> str:
    """The core of a document in Cedar's words: a permit for every role and tool, a forbid for every prohibition."""
    permits = [permit(plain, role, tool) for role, data in plain["roles"].items() for tool in data["tools"]]
    forbids = [
        f"forbid(principal, action in [{', '.join(entity('Action', tool) for tool in rule['when']['tools'])}], resource)"
        f" when {{ {translated[rule['forbid']]} }};"
        for rule in plain["invariants"]
    ]
    return "\n".join(permits + forbids)


def entity(kind: str, name: str) -> str:
    return f"{kind}::{json.dumps(name)}"


def permit(plain: Mapping[str, Any], role: str, tool: str) -> str:
    fields = json.dumps(plain["roles"][role]["fields"]["x.y"]["write"])
    most = [f"context.amount <= {limit['max']}" for limit in plain["limits"] if tool in limit["when"]["tools"]]
    tests = " && ".join([f"{fields}.containsAll(context.fields)", *most])
    scope = f"principal in {entity('Role', role)}, action == {entity('Action', tool)}, resource"
    return f"permit({scope}) when {{ {tests} }};"
