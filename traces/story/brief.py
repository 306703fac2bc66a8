"""The five-minute brief: what an on-call engineer says of a trace, in sentences made of recorded facts alone. Pure.

INVARIANT: every sentence is a fixed form filled with what the ledger recorded; nothing is generated. Held by
tests/traces/test_brief.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accounts.display.values import value_text
from traces.sentences import OPEN
from traces.story import checks, escalations, joins, rollback
from traces.story.facts import ActionFacts, TraceFacts

_MOST = 3
_QUOTED = 240
_VALUE = 60
# A record that goes is told by how many fields it had.
_NOT_TOLD = frozenset({"kept_denied", "unchanged", "removed"})


@dataclass(frozen=True, slots=True)
class Line:
    """One of the five questions, and its answer in sentences."""

    question: str
    sentence: str


def lines(facts: TraceFacts) -> list[Line]:
    """Who asked, who acted, why it was allowed, what changed, can it be undone."""
    return [
        Line("Who asked", _asked(facts)),
        Line("Who acted", _acted(facts)),
        Line("Why it was allowed", _why(facts)),
        Line("What changed", _changed(facts)),
        Line("Can it be undone?", _undo(facts)),
    ]


def joined(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def steps(actions: Iterable[ActionFacts]) -> str:
    """`step 2`, `steps 2 and 3`, `steps 1, 2, 3 and 9 more`."""
    numbers = [str(action.step) for action in actions]
    shown = [*numbers[:_MOST], f"{len(numbers) - _MOST:,} more"] if len(numbers) > _MOST + 1 else numbers
    return f"step{'' if len(numbers) == 1 else 's'} {joined(shown)}"


def _some(sentences: Sequence[str], more: str) -> str:
    left = len(sentences) - _MOST
    return " ".join([*sentences[:_MOST], f"{left:,} more {more}."] if left > 0 else sentences)


def _asked(facts: TraceFacts) -> str:
    intent = " ".join(str(facts.opened["intent"]).split())
    quoted = f"{intent[:_QUOTED]}…" if len(intent) > _QUOTED else intent
    sources = [str(source["title"]) for source in facts.opened["sources"]]
    more = [*sources[:_MOST], f"{len(sources) - _MOST} more"] if len(sources) > _MOST else sources
    named = f" It named {joined(more)} as its source{'s' if len(sources) > 1 else ''}." if sources else ""
    how = f" {known(facts)}" if known(facts) else ""
    # With its day: the brief is pasted where nothing else says which night it was.
    at = f"on {facts.opened_at:%-d %b %Y} at {facts.opened_at:%H:%M:%S UTC}"
    return f"{facts.opened['on_behalf_of']['name']} asked {at}: “{quoted}”{named}{how}"


def known(facts: TraceFacts) -> str:
    """How it is known whose request this is; "" where a person acts in the console, and in ledgers from before it was told."""
    person, agent = facts.opened["on_behalf_of"]["name"], facts.opened.get("agent") or facts.opened_by
    told = {
        "token": f"Known by token: {person}'s own sign-in stands behind {facts.opened.get('token')}.",
        "agent": f"Named by the agent: {agent['name']} said that it acts for {person}.",
    }
    return told.get(str(facts.opened.get("known_by")), "")


def _acted(facts: TraceFacts) -> str:
    agent, person = facts.opened.get("agent"), facts.opened["on_behalf_of"]["name"]
    who = f"{agent['name']} acted for {person}" if agent else f"{facts.opened_by['name']} acted in their own name"
    return f"{who}. {_credentials([action.credential for action in facts.in_order if action.credential])}"


def _credentials(minted: Sequence[Mapping[str, Any]]) -> str:
    if not minted:
        return "No credential was minted, so nothing was sent with one."
    standing = sum(bool(one.get("standing")) for one in minted)
    if standing == len(minted):
        return "It used the connection's own secret, which outlives the attempt."
    longest = max(one.get("ttl_s", 0) for one in minted if not one.get("standing"))
    own = f" {standing:,} used the connection's own secret." if standing else ""
    some = len(minted) - standing
    each = "1 credential," if some == 1 else f"{some:,} credentials, each"
    return f"{each} for one attempt and at most {longest} s.{own}"


def _why(facts: TraceFacts) -> str:
    found = [_policy(facts), *filter(None, map(_denied, facts.in_order)), *filter(None, map(_people, facts.in_order))]
    first, *rest = found
    return f"{first} {_some(rest, 'steps were denied or went to people')}".strip()


def _policy(facts: TraceFacts) -> str:
    policies = {
        f"{policy.get('name') or policy['slug']} v{policy['version']}"
        for action in facts.in_order
        if (policy := action.decision.get("policy"))
    }
    if joins.alone(facts):
        return "All that was asked for here had been asked for before; the other trace says why it was allowed or not."
    if not policies:
        return (
            "No policy applied, so nothing was allowed."
            if facts.in_order or facts.refused
            else "Nothing was asked for."
        )
    rows = checks.rows(facts)
    passed = sum(row["outcome"] == "passed" for row in rows)
    return f"Decided by policy {joined(sorted(policies))}: {passed:,} of {len(rows):,} checks passed."


def _denied(action: ActionFacts) -> str:
    """Which rule said no, in its own words; for refused fields the step itself went on."""
    refused = [check for check in action.checks if check["outcome"] == "denied"]
    if not refused:
        return ""
    what = "was denied" if action.state == "denied" else "lost what policy refused"
    return f"Step {action.step} {what} by {refused[0]['rule']}: {_sentence(str(refused[0]['reason']))}"


def _people(action: ActionFacts) -> str:
    if action.approval is None:
        return ""
    return f"Step {action.step} {_verdicts(action)}"


def _verdicts(action: ActionFacts) -> str:
    if action.broken:
        without = joined([str(step) for step in action.broken["skipped"]])
        return (
            f"was run by {action.broken['who']['name']} in an emergency, without {without}: “{action.broken['reason']}”"
        )
    gave = {
        choice: [escalations.approver(verdict) for verdict in action.verdicts if verdict["choice"] == choice]
        for choice in ("approve", "reject")
    }
    if gave["reject"]:
        return f"was rejected by {joined(gave['reject'])}."
    approved = f"was approved by {joined(gave['approve'])}" if gave["approve"] else "was put before people"
    ended = {
        "open": ", and still waits",
        "expired": ", and expired, so it was denied",
        "stale": ", and went out of date",
    }
    return f"{approved}{ended.get(action.approval_state, '')}."


def _changed(facts: TraceFacts) -> str:
    done = rollback.changed(facts)
    doubt = rollback.in_doubt(facts)
    told = [_some([_effect(action) for action in done], "records were changed")] if done else []
    if doubt:
        told.append(f"What {steps(doubt)} changed is unknown.")
    elif not done:
        waits = any(action.state in OPEN for action in facts.standing)
        told.append("Nothing has been changed so far." if waits else "Nothing was changed.")
    more = _some(joins.sentences(facts), "joined actions of other traces")
    return " ".join([*told, *_not_as_sent(done), *filter(None, [more])])


def _effect(action: ActionFacts) -> str:
    receipt, target = action.receipt or {}, action.target or {}
    names = (target.get("name"), receipt.get("remote_id") or target.get("record_id"))
    noun, *told = str(action.tool.get("noun", "Record")), *(value_text(name, "withheld ({})") for name in names)
    twice = told[0].casefold().startswith(f"{noun} ".casefold())  # A ticket may be named "Ticket 88213".
    named = " ".join(filter(None, told if twice else [noun, *told]))
    fields = [_field(change, action.rollback) for change in action.changes if change["kind"] not in _NOT_TOLD]
    gone = sum(change["kind"] == "removed" for change in action.changes)
    fields += [f"removed, with {gone} field{'' if gone == 1 else 's'}"] if gone else []
    more = [*fields[:_MOST], f"{len(fields) - _MOST} more"] if len(fields) > _MOST + 1 else fields
    since = _SINCE.get(action.rollback, "")
    return f"{named}: {'; '.join(more)}.{since}" if fields else f"{named}: {action.words['past']}.{since}"


# What became of a change must stand beside it: “is” would be false of what was put back.
_SINCE = {
    "rolled_back": " That was rolled back since.",
    "partly_rolled_back": " That was rolled back in part since.",
    "rollback_unknown": " Whether that was rolled back since is not known.",
}


def _field(change: Mapping[str, Any], rollback: str) -> str:
    old, new = _value(change["old"]), _value(change["new"])
    note = f" ({change['note']})" if change.get("note") else ""
    now = "became" if rollback in _SINCE else "is"
    told = f"{change['field']} {now} {new}{note}"
    return told if change["kind"] == "added" else f"{change['field']} was {old}, {now} {new}{note}"


def _value(value: Any) -> str:
    text = " ".join(value_text(value, "withheld ({})").split()) or "empty"
    return f"{text[:_VALUE]}…" if len(text) > _VALUE else text


def _not_as_sent(done: Sequence[ActionFacts]) -> list[str]:
    """What the read-back could not confirm: people attested it, or the system stored something else."""
    odd = [action for action in done if not (action.receipt or {}).get("verified")]
    refused = [change["field"] for action in done for change in action.changes if change["kind"] == "kept_denied"]
    kept = list(dict.fromkeys(refused))  # Once each: many records may keep the same field.
    found = [f"Not confirmed by reading back: {steps(odd)}."] if odd else []
    if done and not odd:
        found = ["All of it was read back."]
    return [*found, f"Refused and left as it was: {joined(kept)}."] if kept else found


def _undo(facts: TraceFacts) -> str:
    done, doubt = rollback.changed(facts), rollback.in_doubt(facts)
    if not done and not doubt:
        return "There is nothing to undo."
    told: dict[str, list[ActionFacts]] = {}
    for action in done:
        told.setdefault(rollback.in_words(action), []).append(action)
    if doubt:
        told["not known before somebody finds out what happened"] = doubt
    return " ".join(f"{_first_upper(steps(actions))}: {words}." for words, actions in told.items())


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
