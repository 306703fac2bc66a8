"""What to do now about a trace: fixed sentences chosen by its recorded states, and where each is done. Pure."""

from dataclasses import dataclass

from traces.story import joins, rollback
from traces.story.brief import joined, steps
from traces.story.facts import ActionFacts, TraceFacts

_MOST = 3


@dataclass(frozen=True, slots=True)
class Todo:
    """One thing to do. `place` names where it is done (attest, review, drift, again, plan, proof or none), `key` its object."""

    sentence: str
    place: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Runbook:
    """Where the steps for people stand that an agent or a tool names."""

    name: str
    url: str


def todos(facts: TraceFacts) -> list[Todo]:
    """What is in doubt first, then what waits, what stopped, and what may have been wrong."""
    by_state: dict[str, list[ActionFacts]] = {}
    for action in facts.standing:
        by_state.setdefault(action.state, []).append(action)
    found = [make(by_state[state]) for state, make in _BY_STATE.items() if state in by_state]
    found += [_pending(action) for action in by_state.get("pending", ())[:_MOST]]
    stopped = [plan for plan in facts.plans.values() if plan.stopped and not plan.resumed_as]
    found += [
        Todo("Look at the plan that stopped, and resume it if it was right.", "plan", plan.id) for plan in stopped
    ]
    return found or [_nothing(facts)]


def runbooks(facts: TraceFacts) -> list[Runbook]:
    """The runbooks of the tools that were called, as the tools named them then."""
    named = {str(a.tool["name"]): str(a.tool["runbook"]) for a in facts.in_order if a.tool.get("runbook")}
    return [Runbook(name, url) for name, url in named.items()]


def _needs_human(actions: list[ActionFacts]) -> Todo:
    return Todo(
        f"Find out in the system itself what {steps(actions)} did, and say so with evidence. Do not send it again.",
        "attest", actions[0].id,
    )  # fmt: skip


def _unknown(actions: list[ActionFacts]) -> Todo:
    return Todo(f"Do not send {steps(actions)} again: Remit is finding out what happened.", "proof", "calls")


def _pending(action: ActionFacts) -> Todo:
    approval = action.approval or {}
    groups = joined([str(step["name"]) for step in (approval.get("route") or {}).get("steps", ())])
    must = f"{groups or 'Somebody'} must decide step {action.step}."
    draft = f"Step {action.step} waits to be reviewed and sent."
    return Todo(draft if approval.get("kind") == "draft" else must, "review", str(approval.get("approval", "")))


def _moved(actions: list[ActionFacts]) -> Todo:
    if any(action.moved for action in actions):
        return Todo(f"See what moved since {steps(actions)} was decided, then ask again.", "drift", actions[0].id)
    why = " ".join(dict.fromkeys(action.detail for action in actions if action.detail))
    return Todo(
        f"Nothing was sent for {steps(actions)}: {why} Once that is settled, ask again.", "again", actions[0].id
    )


def _failed(actions: list[ActionFacts]) -> Todo:
    return Todo(f"{_capital(steps(actions))} failed without effect. Mend the cause, then ask again.", "proof", "calls")


def _denied(actions: list[ActionFacts]) -> Todo:
    return Todo(
        f"Nothing was sent for {steps(actions)}. The rule that refused says what would be allowed.", "proof", "checks"
    )


def _rejected(actions: list[ActionFacts]) -> Todo:
    return Todo(
        f"Nothing was sent for {steps(actions)}. Read why it was rejected before asking again.", "proof", "escalations"
    )


def _expired(actions: list[ActionFacts]) -> Todo:
    return Todo(f"Nobody decided {steps(actions)} in time, so nothing was sent. Ask again if it is still wanted.")


_BY_STATE = {
    "needs_human": _needs_human,
    "unknown": _unknown,
    "blocked": _moved,
    "stale": _moved,
    "failed": _failed,
    "failed_attested": _failed,
    "denied": _denied,
    "rejected": _rejected,
    "expired": _expired,
}


def _nothing(facts: TraceFacts) -> Todo:
    done = rollback.changed(facts)
    if joins.alone(facts):
        return Todo("Nothing has to be done here. How it stands is told by the trace that was joined.")
    if facts.refused and not facts.in_order:
        return Todo("Nothing was sent. Each refusal says why.", "proof", "plan")
    if any(action.state in {"proposed", "authorized", "claimed", "dispatching"} for action in facts.standing):
        return Todo("It is still running. To hold what has not been sent, pause the agent.")
    if rollback.can_begin(facts):
        return Todo("Nothing has to be done. If it was wrong, roll it back.")
    if done and all(action.rollback == "rolled_back" for action in rollback.can_be_undone(facts)):
        final = [action for action in done if not action.rollback]
        left = f" What {steps(final)} did stays." if final else ""
        return Todo(f"Nothing has to be done. What can be undone was undone.{left}")
    return Todo("Nothing has to be done." + (" What it changed can't be undone." if done else ""))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
