"""The five answers and the exceptions beside the outcome, from recorded facts only. Pure."""

from collections import Counter
from typing import Any

from traces.sentences import OPEN
from traces.story import checks, joins, rollback
from traces.story.brief import steps
from traces.story.facts import ActionFacts, TraceFacts


def plural(count: int, noun: str, many: str = "") -> str:
    """`1 record`, `3 records`, `1,200 records`."""
    return f"{count:,} {noun if count == 1 else many or _many(noun)}"


def _many(noun: str) -> str:
    """A noun of several, as English has them: tools are named by whoever made them."""
    if noun.endswith(("s", "x", "ch", "sh")):
        return f"{noun}es"
    return f"{noun[:-1]}ies" if noun[-1:] == "y" and noun[-2:-1] not in {*"aeiou", ""} else f"{noun}s"


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
    gone = sum(int(act["values"]) for act in facts.redactions)
    if gone:
        found.append({"status": "redacted", "text": f"{plural(gone, 'value')} erased", "href": "#hidden"})
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
    if joins.alone(facts):
        return _answer("Why it was allowed", "Decided in another trace", "Asked for before, and joined here", "#plan")
    policies = [action.decision["policy"] for action in facts.in_order if action.decision.get("policy")]
    passed = sum(row["outcome"] == "passed" for row in checks.rows(facts))
    given = sum(v["choice"] == "approve" for action in facts.in_order for v in action.verdicts)
    detail = f"{plural(passed, 'check')} passed, {plural(given, 'approval')}"
    states = {action.state for action in facts.in_order}
    denied = (states or facts.refused) and states <= {"denied", "cancelled", "withdrawn"}
    label = "Why it was denied" if denied else "Why it was allowed"
    return _answer(label, _policy_name(policies), detail, "#checks")


def _policy_name(policies: list[dict[str, Any]]) -> str:
    if not policies:
        return "No policy applied"
    newest = policies[-1]
    return f"Policy {newest.get('name') or newest['slug']} v{newest['version']}"


def _changed(facts: TraceFacts) -> dict[str, str]:
    done, doubt = rollback.changed(facts), rollback.in_doubt(facts)
    unknown = f"What {steps(doubt)} changed is unknown" if doubt else ""
    systems = {str(action.tool.get("connection", "")) for action in done}
    if not done:
        if doubt:
            return _answer("What changed", "Unknown", unknown, "#calls")
        if joins.alone(facts):
            return _answer("What changed", "Nothing here", "See the trace that was joined", "#plan")
        waiting = any(action.state in OPEN for action in facts.standing)
        return _answer("What changed", "Nothing yet" if waiting else "Nothing", "No record was changed", "#changes")
    nouns = Counter(str(action.tool.get("noun", "Record")).lower() for action in done)
    value = f"{plural(len(done), 'record')} in {plural(len(systems), 'system')}"
    told = ", ".join(plural(count, noun) for noun, count in nouns.items())
    return _answer("What changed", value, f"{told}. {unknown}" if doubt else told, "#changes")


def _undo(facts: TraceFacts) -> dict[str, str]:
    done, doubt = rollback.changed(facts), rollback.in_doubt(facts)
    if not done:
        first = f"First find out what {steps(doubt)} did" if doubt else ""
        return _answer("Can it be undone?", "Not known yet" if doubt else "Nothing to undo", first, "#changes")
    value, detail = _rolled_back(done) if any(a.rollback in _ROLLED for a in done) else _can_be(facts, done)
    told = "; ".join(filter(None, [detail, f"what {steps(doubt)} did is not known yet" if doubt else ""]))
    return _answer("Can it be undone?", value, f"{told[:1].upper()}{told[1:]}", "#rollback")


def _can_be(facts: TraceFacts, done: list[ActionFacts]) -> tuple[str, str]:
    count, final = len(rollback.undoable(facts)), rollback.final(done)
    if len(final) == len(done):
        return "No" if len(done) == 1 else f"None of {len(done):,} changes", _final(final)
    value = f"{count:,} of {plural(len(done), 'change')}" if count else "Only by a new action"
    return value, _final(final) or ("by restoring fields or a new action" if count else "nothing of it can be restored")


# The least certain first: it is what somebody has to look at.
_ROLLED = {
    "rollback_unknown": "rolled back with an unknown outcome",
    "partly_rolled_back": "rolled back in part",
    "rolled_back": "rolled back",
}


def _rolled_back(done: list[ActionFacts]) -> tuple[str, str]:
    """What became of the changes that somebody rolled back, and which stand."""
    counted = Counter(action.rollback for action in done)
    (state, words), *more = [(state, words) for state, words in _ROLLED.items() if counted[state]]
    count, standing = counted[state], sum(action.rollback not in _ROLLED for action in done)
    some = f"{count:,} of {len(done):,} changes" if count < len(done) else "All changes" if count > 1 else "The change"
    rest = [f"{counted[other]:,} {'was' if counted[other] == 1 else 'were'} {said}" for other, said in more]
    if standing:
        stands = "stands" if standing == 1 else "stand"
        alone = "the other" if standing == 1 else f"the other {standing:,}"
        rest.append(f"{f'{standing:,}' if more else alone} {stands}")
    final = _final(rollback.final(done))
    return f"{some} {'was' if count == 1 else 'were'} {words}", "; ".join([*rest, *filter(None, [final])])


def _final(actions: list[ActionFacts]) -> str:
    """What nobody can undo: by its noun, or by the steps where there are several."""
    if not actions:
        return ""
    named = f"the {str(actions[0].tool['noun']).lower()}" if len(actions) == 1 else steps(actions)
    return f"{named} can't be undone"
