"""An agent's own OpenAPI document made to reach deep: where it asks for an id, it names those that there are."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

# A look that waits takes its seconds and finds nothing more. What is made up around these bounds waits longer, up to 25 s, so a
# random run has no such parameter at all.
WAIT = {"type": "integer", "minimum": 0, "maximum": 1}
METHODS = ("get", "post")


def prepared(document: Mapping[str, Any], known: Mapping[str, Sequence[str]], *, waits: bool) -> dict[str, Any]:
    """A copy in which each name of `known` is one of its values, in paths and in bodies. `waits`: it may ask to wait."""
    made = copy.deepcopy(dict(document))
    for path in made["paths"].values():
        for operation in (path[method] for method in METHODS if method in path):
            given = operation.get("parameters", [])
            given[:] = [parameter for parameter in given if waits or parameter["name"] != "wait"]
            for parameter in given:
                if parameter["name"] in known:
                    parameter["schema"] = {"type": "string", "enum": list(known[parameter["name"]])}
                elif parameter["name"] == "wait":
                    parameter["schema"] = WAIT
    _named(made, known)
    return made


def _named(schema: Any, known: Mapping[str, Sequence[str]]) -> None:
    """Properties of those names, wherever they stand."""
    if isinstance(schema, dict):
        for name in set(schema.get("properties") or {}) & set(known):
            schema["properties"][name] = {"type": "string", "enum": list(known[name])}
        for value in schema.values():
            _named(value, known)
    elif isinstance(schema, list):
        for value in schema:
            _named(value, known)


def of_agent(agent: Any, steps: Sequence[Mapping[str, Any]], person: str) -> dict[str, list[str]]:
    """Ids of a trace, a plan, actions and an approval that this agent has, and values that its tools take."""
    trace = agent.open_trace(intent="Try every address.", on_behalf_of=person)
    plan = trace.submit(list(steps))
    actions = [action.data for action in plan.actions]
    approvals = [action["approval"]["approval_id"] for action in actions if action["approval"]]
    given: dict[str, list[str]] = {
        "trace_id": [trace.id], "plan_id": [plan.id], "action_id": [action["action_id"] for action in actions],
        "approval_id": approvals, "on_behalf_of": [person], "tool": [step["tool"] for step in steps],
    }  # fmt: skip
    for step in steps:
        for name, value in step["arguments"].items():
            if isinstance(value, str):
                given.setdefault(name, []).append(value)
    return {name: sorted(set(values)) for name, values in given.items() if values}
