"""The five answers and the exceptions beside the outcome, from recorded facts only. Pure."""

from collections import Counter
from typing import Any

from traces.story import checks, rollback
from traces.story.facts import ActionFacts, TraceFacts


def plural(count: int, noun: str, many: str = "") -> str:
    """`1 record`, `3 records`."""
    return f"{count} {noun if count == 1 else many or noun + 's'}"


def exceptions(facts: TraceFacts) -> list[dict[str, str]]:
    """Escalations and denials in words, each linked to its proof."""
    found: list[dict[str, str]] = []
    asked = [action for action in facts.in_order if action.approval]
    if asked:
        found.append({"status": "escalated", "text": _asked_text(asked), "href": "#escalations"})
    blocked = sum(len(action.decision.get("refused_fields") or ()) for action in facts.in_order)
    if blocked:
        found.append({"status": "denied", "text": f"{plural(blocked, 'field')} blocked", "href": "#checks"})
    denied = [action for action in facts.in_order if action.state in {"denied", "blocked"}]
    if denied:
        found.append({"status": "denied", "text": f"{plural(len(denied), 'action')} denied", "href": "#checks"})
    if facts.refused:
        found.append({"status": "denied", "text": f"{plural(len(facts.refused), 'request')} refused", "href": "#plan"})
    return found


def _asked_text(asked: list[ActionFacts]) -> str:
    states = {action.approval_state for action in asked}
    word = "waiting" if "open" in states else "approved" if states == {"approved"} else "decided"
    if "break_glass" in states:
        word = "run in an emergency"
    return f"{plural(len(asked), 'escalation')}, {word}"


def five(facts: TraceFacts) -> list[dict[str, str]]:
    """Who asked, who acted, why it was allowed, what changed, can it be undone."""
    return [_asked(facts), _acted(facts), _why(facts), _changed(facts), _undo(facts)]


def _answer(label: str, value: str, detail: str, href: str) -> dict[str, str]:
    return {"label": label, "value": value, "detail": detail, "href": href}


def _asked(facts: TraceFacts) -> dict[str, str]:
    sources = facts.opened["sources"]
    detail = sources[0]["title"] if sources else "No source given"
    return _answer("Who asked", facts.opened["on_behalf_of"]["name"], detail, "#intent")


def _acted(facts: TraceFacts) -> dict[str, str]:
    minted = [action.credential for action in facts.in_order if action.credential]
    scopes = {scope for credential in minted for scope in credential["scope"]}
    longest = max((credential["ttl_s"] for credential in minted), default=0)
    person = facts.opened["on_behalf_of"]["name"].split(" ")[0]
    tokens = f"{longest} s token, {plural(len(scopes), 'scope')}" if minted else "no credential was minted"
    agent = facts.opened.get("agent")
    who = agent["name"] if agent else facts.opened_by["name"]
    return _answer("Who acted", who, f"as {person}, {tokens}" if agent else tokens, "#calls")


def _why(facts: TraceFacts) -> dict[str, str]:
    policies = [action.decision["policy"] for action in facts.in_order if action.decision.get("policy")]
    passed = sum(row["outcome"] == "passed" for row in checks.rows(facts))
    given = sum(v["choice"] == "approve" for action in facts.in_order for v in action.verdicts)
    detail = f"{plural(passed, 'check')} passed, {plural(given, 'approval')}"
    states = {action.state for action in facts.in_order}
    label = "Why it was allowed" if not states or states - {"denied"} else "Why it was denied"
    return _answer(label, _policy_name(policies), detail, "#checks")


def _policy_name(policies: list[dict[str, Any]]) -> str:
    if not policies:
        return "No policy applied"
    newest = policies[-1]
    return f"Policy {newest.get('name') or newest['slug']} v{newest['version']}"


def _changed(facts: TraceFacts) -> dict[str, str]:
    done = rollback.changed(facts)
    systems = {str(action.tool.get("connection", "")) for action in done}
    if not done:
        waiting = any(action.state in {"pending", "authorized"} for action in facts.in_order)
        return _answer("What changed", "Nothing yet" if waiting else "Nothing", "No record was changed", "#changes")
    nouns = Counter(str(action.tool.get("noun", "Record")).lower() for action in done)
    value = f"{plural(len(done), 'record')} in {plural(len(systems), 'system')}"
    return _answer("What changed", value, ", ".join(f"{count} {noun}" for noun, count in nouns.items()), "#changes")


def _undo(facts: TraceFacts) -> dict[str, str]:
    done, undoable = rollback.changed(facts), rollback.undoable(facts)
    if not done:
        return _answer("Can it be undone?", "Nothing to undo", "", "#changes")
    final = [str(a.tool["noun"]).lower() for a in done if a.tool["reversibility"] == "irreversible"]
    detail = f"The {' and '.join(final)} can't be undone" if final else "By restoring fields or a new action"
    undone = [action.rollback == "rolled_back" for action in done]
    if any(undone):
        detail = "Rolled back" if all(undone) else f"{sum(undone)} of {len(done)} rolled back"
    return _answer("Can it be undone?", f"{len(undoable)} of {plural(len(done), 'change')}", detail, "#rollback")
