"""Who was asked, who decided, what they saw and how long it waited. Pure."""

from collections.abc import Mapping
from typing import Any

from traces.spans import union_s
from traces.story.facts import ActionFacts, TraceFacts

DID = {"approve": ("approved", "Approved"), "reject": ("rejected", "Rejected")}
ENDED = {
    "succeeded": ("done", "Executed"),
    "failed": ("bad", "Failed, no effect"),
    "unknown": ("bad", "Outcome unknown"),
    "needs_human": ("bad", "Outcome unknown, a person looks"),
    "succeeded_attested": ("done", "Done, attested by two people"),
    "failed_attested": ("bad", "Not done, attested by two people"),
    "blocked": ("bad", "Blocked before dispatch"),
    "expired": ("bad", "Expired, so denied"),
}


def _asked(facts: TraceFacts) -> list[ActionFacts]:
    return [action for action in facts.in_order if action.asked_at is not None]


def waited_s(facts: TraceFacts) -> float:
    """Seconds in which at least one action waited for people."""
    return union_s((a.asked_at, a.settled_at or facts.last_at) for a in _asked(facts) if a.asked_at)


def rows(facts: TraceFacts) -> list[dict[str, Any]]:
    """The escalations table: policy's asking and each person's answer, in time order."""
    found = [row for action in _asked(facts) for row in _rows(action)]
    in_time = sorted(found, key=lambda row: row["at"])
    return [{**row, "ref": f"escalation-{number}"} for number, row in enumerate(in_time, start=1)]


def _rows(action: ActionFacts) -> list[dict[str, Any]]:
    reason = _why(action)
    first = {"at": action.asked_at, "who": "Policy", "step_n": action.step, "is_person": False, "waited_s": 0.0}
    asked = {**first, "did_status": "escalated", "did_text": _asked_word(action), "saw": reason, "reason": ""}
    emergency = [_emergency(action, action.broken)] if action.broken else []
    sent_back = [_sent_back(action, action.question)] if action.question else []
    return [asked, *(_verdict(action, verdict) for verdict in action.verdicts), *sent_back, *emergency]


def _sent_back(action: ActionFacts, question: Mapping[str, Any]) -> dict[str, Any]:
    """A reviewer could not decide it as it stood."""
    return {
        "at": question["at"],
        "who": question["who"]["name"],
        "is_person": True,
        "step_n": action.step,
        "did_status": "escalated",
        "did_text": "Asked for changes",
        "saw": f"{action.words['imperative']}, payload {question['saw'][7:15]}",
        "reason": question["text"],
        "waited_s": question["waited_ms"] / 1000,
    }


def _emergency(action: ActionFacts, broken: Mapping[str, Any]) -> dict[str, Any]:
    """Somebody ran it without the rest: told like a verdict, so that it stands among those who decided."""
    found = {"justified": "It could not wait", "unjustified": "It could have waited"}
    review = f" Review: {found[broken['finding']]}." if "finding" in broken else " The review is owed."
    return {
        "at": broken["at"],
        "who": broken["who"]["name"],
        "is_person": True,
        "step_n": action.step,
        "did_status": "break_glass",
        "did_text": f"Ran it without {' and '.join(broken['skipped'])}",
        "saw": f"{action.words['imperative']}, payload {broken['saw'][7:15]}",
        "reason": broken["reason"] + review,
        "waited_s": broken["waited_ms"] / 1000,
    }


def _asked_word(action: ActionFacts) -> str:
    return "Staged as draft" if action.approval and action.approval["kind"] == "draft" else "Escalated"


def _why(action: ActionFacts) -> str:
    check = next((check for check in action.checks if check["outcome"] == "escalated"), None)
    return check["reason"] if check else str(action.decision.get("reason", ""))


def _verdict(action: ActionFacts, verdict: Mapping[str, Any]) -> dict[str, Any]:
    status, text = DID[verdict["choice"]]
    draft = action.approval is not None and action.approval["kind"] == "draft"
    sent = "Sent with edits" if action.edits else "Sent"
    return {
        "at": verdict["at"],
        "who": approver(verdict),
        "is_person": True,
        "step_n": action.step,
        "did_status": status,
        "did_text": sent if draft and verdict["choice"] == "approve" else text,
        "saw": f"{action.words['imperative']}, payload {verdict['saw'][7:15]}",
        "reason": verdict["reason"],
        "waited_s": verdict["waited_ms"] / 1000,
    }


def approver(verdict: Mapping[str, Any]) -> str:
    """Who gave a verdict, for whom, and whether alone."""
    away = verdict.get("for")
    named = f"{verdict['who']['name']} for {away['name']}" if away else str(verdict["who"]["name"])
    return f"{named} in single-operator mode" if verdict.get("single_operator") else named


def timeline(facts: TraceFacts) -> list[dict[str, Any]]:
    """The rail: escalated, each verdict, executed."""
    return [item for action in _asked(facts) for item in _timeline(action)]


def _timeline(action: ActionFacts) -> list[dict[str, Any]]:
    items = [_item("open", _asked_word(action), f"step {action.step}, {_rule_name(action)}", action.asked_at)]
    for verdict in action.verdicts:
        state = "done" if verdict["choice"] == "approve" else "bad"
        did = _verdict(action, verdict)["did_text"].lower()
        text = f"{did}, {verdict['step_name']}"
        items.append(
            _item(state, approver(verdict), text, verdict["at"], verdict["reason"], verdict["waited_ms"] / 1000)
        )
    items.extend(_timer(timer) for timer in action.timers)
    if action.question:
        items.extend(_question(action.question))
    if action.broken:
        row = _emergency(action, action.broken)
        items.append(_item("bad", row["who"], row["did_text"].lower(), row["at"], row["reason"], row["waited_s"]))
    items[1:] = sorted(items[1:], key=lambda item: item["at"])
    if action.state in ENDED and action.ended_at:
        state, text = ENDED[action.state]
        items.append(_item(state, text, "", action.ended_at))
    return items


def _question(question: Mapping[str, Any]) -> list[dict[str, Any]]:
    who, asked = question["who"]["name"], question["waited_ms"] / 1000
    items = [_item("open", who, "asked the agent for changes", question["at"], question["text"], asked)]
    for denied in question.get("denied", ()):
        items.append(_item("bad", "Agent’s answer denied", "the question still waits", denied["at"], denied["reason"]))
    if "answered_at" in question:
        items.append(_item("done", "Agent answered", "with a new proposal", question["answered_at"]))
    return items


def _timer(timer: Mapping[str, Any]) -> dict[str, Any]:
    waiting = " and ".join(timer["waiting"])
    if "to" in timer:
        return _item("open", f"Escalated to {timer['to']}", f"nobody had decided {waiting}", timer["at"])
    return _item("open", "Reminded", f"{waiting} still waits", timer["at"])


def _rule_name(action: ActionFacts) -> str:
    check = next((check for check in action.checks if check["outcome"] == "escalated"), None)
    return f"by {check['name'].lower()}" if check else "by tool mode"


def _item(state: str, strong: str, text: str, at: Any, quote: str = "", after_s: float | None = None) -> dict[str, Any]:
    return {"state": state, "text_strong": strong, "text": text, "quote": quote, "at": at, "after_s": after_s}


def count(facts: TraceFacts) -> str:
    """`2 of 3`: approvals given of those asked for."""
    asked = [action.approval for action in _asked(facts) if action.approval]
    needed = sum(step["quorum"] for approval in asked for step in approval["route"]["steps"])
    given = sum(verdict["choice"] == "approve" for action in _asked(facts) for verdict in action.verdicts)
    return f"{given} of {needed}" if needed else ""
