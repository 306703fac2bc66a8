"""What a reviewer is shown, built by our code from the bytes that would run (P3). Plain data; templates escape it."""

from collections.abc import Mapping, Sequence
from typing import Any

from actions.definition import Definition
from actions.inverse import undo_told
from actions.record import known_secrets
from actions.redaction import Secrets, mask
from policies.engine.currencies import money_text
from traces.ledger import Sensitive

EMAIL_PARTS = ("to", "subject", "body")


def displayed(
    definition: Definition,
    *,
    arguments: Mapping[str, Any],
    changes: Sequence[Mapping[str, Any]],
    decision: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    sources: Sequence[Mapping[str, Any]],
    edits: Mapping[str, Sequence[Any]],
    undoes: bool,
) -> dict[str, Any]:
    """The whole review, as it is stored with the request and covered by its digest. `undoes`: it rolls another call back."""
    known = known_secrets(definition, {}, before["fields"] if before else {})
    return {
        "tool": definition.name,
        "tool_title": definition.title,
        "noun": definition.noun,
        "reversibility": definition.reversibility,
        "blast": _blast(definition, arguments, changes, decision, undoes=undoes),
        "payload": _payload(definition, arguments, changes, before, edits, known),
        "checks": decision["checks"],
        "policy": decision["policy"],
        "tier": decision["tier"],
        "sources": list(sources),
        "raw": {"tool": definition.name, "arguments": dict(arguments), "record": _record(changes, before, known)},
        "editable": _editable(definition, arguments),
        "locked": _locked(definition, arguments, decision),
    }


def _blast(
    definition: Definition,
    arguments: Mapping[str, Any],
    changes: Sequence[Mapping[str, Any]],
    decision: Mapping[str, Any],
    *,
    undoes: bool,
) -> list[dict[str, str]]:
    money = definition.money(arguments)
    undo, undo_detail = undo_told(definition, changes, undoes=undoes)
    escalated = next((check for check in decision["checks"] if check["outcome"] == "escalated"), None)
    why = escalated["name"] if escalated else "This tool needs a person"
    return [
        {"label": "Reaches", **_reach(definition, arguments)},
        {"label": "Costs", "value": money_text(*money) if money else "Nothing", "detail": _cost_detail(money)},
        {"label": "Can be undone?", "value": undo, "detail": undo_detail},
        {"label": "Why you see it", "value": why, "detail": f"Rule {escalated['rule']}" if escalated else ""},
    ]


def _reach(definition: Definition, arguments: Mapping[str, Any]) -> dict[str, str]:
    people = definition.recipients(arguments)
    if people:
        return {"value": f"{len(people)} {'person' if len(people) == 1 else 'people'}", "detail": ", ".join(people)}
    target = ", ".join(str(arguments[name]) for name in sorted(definition.path_arguments()) if name in arguments)
    return {"value": f"1 {definition.noun.lower()}", "detail": target}


def _cost_detail(money: tuple[int, str, int] | None) -> str:
    return f"{money[0]:,} minor units of {money[1]}" if money else "No money moves"


def _payload(
    definition: Definition,
    arguments: Mapping[str, Any],
    changes: Sequence[Mapping[str, Any]],
    before: Mapping[str, Any] | None,
    edits: Mapping[str, Sequence[Any]],
    known: Secrets,
) -> dict[str, Any]:
    if definition.recipients(arguments) and "body" in arguments:
        return {
            "kind": "email",
            "title": "What will be sent",
            **{part: arguments.get(part, "") for part in EMAIL_PARTS},
            "edits": {name: list(pair) for name, pair in edits.items()},
            "beside": {name: value for name, value in arguments.items() if name not in EMAIL_PARTS},
        }
    return {
        "kind": "record",
        "title": "What will be removed" if definition.removes else "What will change",
        "rows": [_row(row, edits, known) for row in changes],
        "edits": {name: list(pair) for name, pair in edits.items()},
        "beside": definition.beside(arguments),
        "record": (before or {}).get("path", ""),
        "read_at": (before or {}).get("read_at", ""),
        **_dry_run(definition, before),
    }


def _row(row: Mapping[str, Any], edits: Mapping[str, Sequence[Any]], known: Secrets) -> dict[str, Any]:
    """What is written stands in clear, because people decide on it; what goes with its record is shown as the ledger shows it."""
    if row["kind"] == "removed":
        return {name: _chip(value) for name, value in mask(row, known).items()}
    return {**row, "agents": edits[row["field"]][0]} if row["field"] in edits else dict(row)


def _record(
    changes: Sequence[Mapping[str, Any]], before: Mapping[str, Any] | None, known: Secrets
) -> dict[str, Any] | None:
    """The record as it was read: in clear what people decide on, and of the rest what the ledger shows."""
    if before is None:
        return None
    decided = {row["field"] for row in changes if row["kind"] != "removed"}
    hidden = {row["field"]: {"$withheld": row["withheld"]} for row in changes if "withheld" in row}
    fields = before["fields"]
    rest = {name: _chip(value) for name, value in mask(fields, known).items() if name not in decided}
    return {**before, "fields": {**fields, **rest, **hidden}}


def _chip(value: Any) -> Any:
    """A withheld value by its kind alone: what is shown is kept, and holds no commitment that somebody could try values on."""
    if isinstance(value, Sensitive):
        return {"$withheld": value.kind}
    if isinstance(value, Mapping):
        return {name: _chip(item) for name, item in value.items()}
    return [_chip(item) for item in value] if isinstance(value, list | tuple) else value


def _dry_run(definition: Definition, before: Mapping[str, Any] | None) -> dict[str, str]:
    """The system's own words about what the call would do; nothing for a tool without a dry run."""
    return {"dry_run": str(before["fields"]["dry_run"]["text"])} if definition.has_dry_run and before else {}


def _editable(definition: Definition, arguments: Mapping[str, Any]) -> list[str]:
    """The values that would be written, which a person may put right; never which record, or money of which kind."""
    if definition.has_dry_run:
        return []  # What was shown is its dry run of exactly these values.
    return sorted(set(definition.fields(arguments)) - definition.path_arguments() - {_currency(definition)})


def _currency(definition: Definition) -> str:
    """The argument an amount is counted in; "" where the tool moves no money."""
    return str((definition.data.get("money") or {}).get("currency", ""))


def _locked(definition: Definition, arguments: Mapping[str, Any], decision: Mapping[str, Any]) -> list[dict[str, str]]:
    """What nobody may edit here, each with the reason: refused fields, and the arguments that name the record."""
    refused = set(decision["refused_fields"])
    told = {check["field"]: check["reason"] for check in decision["checks"] if check["outcome"] == "denied"}
    rows = [{"field": name, "reason": told.get(name, "Policy refuses this field.")} for name in sorted(refused)]
    names = "This names the record. Reject it, so that the agent can ask for another."
    rows += [{"field": n, "reason": names} for n in sorted(definition.path_arguments()) if n in arguments]
    currency = _currency(definition)
    counted = "The amount is counted in it. Reject it, so that the agent can ask in another currency."
    return rows + ([{"field": currency, "reason": counted}] if currency in arguments else [])
