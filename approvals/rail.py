"""The steps rail of a request: what was checked, who decided, who may decide now or later, and when more people may."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from accounts.clock import database_now
from approvals.access import group_title, names_of
from approvals.algebra import Step, Timer, timers
from approvals.models import ApprovalRequest, BreakGlass, FiredTimer

DECIDED: dict[str, Callable[[str, str], tuple[str, str, str]]] = {
    "approve": lambda step, person: ("done", step, f"{person} approved"),
    "reject": lambda step, person: ("bad", step, f"{person} rejected"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the rail. `state` is done, current, waiting or bad."""

    state: str
    title: str
    detail: str
    at: datetime | None = None
    quote: str = ""


def rail(request: ApprovalRequest) -> list[Line]:
    """Every line, in the order things happened or will."""
    checks = len(request.displayed["checks"])
    lines = [Line("done", "Plan checked", f"{checks} checks", request.created_at)]
    waiting = request.waiting
    for step in request.steps:
        lines.extend(_step(request, step, waiting))
    lines.extend(_question(request))
    lines.extend(_timers(request))
    return [*lines, _end(request)]


def _end(request: ApprovalRequest) -> Line:
    if request.is_open:
        return Line("waiting", "Sends" if request.kind == ApprovalRequest.Kind.DRAFT else "Runs", "Once, by Remit")
    if request.state == ApprovalRequest.State.BREAK_GLASS:
        broken = BreakGlass.objects.select_related("user").filter(request=request).first()
        if broken is None:
            return Line(
                "bad", "Said to be run in an emergency", "Nobody is recorded to have run it", request.settled_at
            )
        detail = f"{broken.user.name}, without {' and '.join(broken.skipped)}"
        return Line("bad", "Run in an emergency", detail, broken.at, broken.reason)
    state = "done" if request.state == ApprovalRequest.State.APPROVED else "bad"
    return Line(state, request.state_words.capitalize(), "", request.settled_at)


def _step(request: ApprovalRequest, step: Step, waiting: tuple[Step, ...]) -> list[Line]:
    name = f"Step {step.number} · {step.name}"
    verdicts = [verdict for verdict in request.counted if verdict.step == step.number]
    done = [Line(*DECIDED[v.choice](name, v.who), v.at, v.reason) for v in verdicts]
    left = step.quorum - len(verdicts)
    if left <= 0 or not request.is_open:
        return done
    who = _who(request, step)
    state = "current" if step in waiting and not request.is_with_agent else "waiting"
    return [*done, Line(state, name, who if left == 1 else f"{left} of: {who}")]


def _question(request: ApprovalRequest) -> list[Line]:
    """What was asked of the agent, and what came of it."""
    if request.returned_at is None:
        return []
    asked = request.question
    lines = [Line("done", "Sent back to the agent", f"{asked.user.name} asked for changes", asked.at, asked.text)]
    if asked.denied_at:
        lines.append(Line("bad", "Its answer was denied by policy", "The question still waited", asked.denied_at))
    if request.is_with_agent:
        clock = _clock(request.expires_at)
        lines.append(Line("current", "With the agent", f"It answers with a new request, or this is denied at {clock}"))
    if asked.answered_at:
        done = "Answered with a new proposal" if asked.answer == "revised" else "Withdrawn instead of an answer"
        lines.append(Line("done", done, "", asked.answered_at))
    return lines


def _who(request: ApprovalRequest, step: Step) -> str:
    if step.anybody:
        return f"{request.requester.name}, or a reviewer"
    names = names_of(step, request.workspace, {account for verdict in request.counted for account in verdict.humans})
    return ", or ".join(names) or "Nobody is there to decide it yet"


def _timers(request: ApprovalRequest) -> list[Line]:
    """Escalations that happened or will while it waits, and the last reminder."""
    fired = {(timer.kind, timer.number): timer for timer in request.timers.all()}
    every = timers(request.route, request.lasts)
    lines = [_escalation(request, timer, fired.get((timer.kind, timer.number))) for timer in every if timer.group]
    reminders = [timer for timer in fired.values() if timer.kind == FiredTimer.Kind.REMINDER]
    last = [Line("done", "Reminded", "Nobody had decided", reminders[-1].at)] if reminders and request.is_open else []
    return [line for line in lines if line is not None] + last


def _escalation(request: ApprovalRequest, timer: Timer, fired: FiredTimer | None) -> Line | None:
    group = group_title(timer.group, request.workspace)
    about = f"For {timer.step}" if timer.step else "For what still waits"
    if fired is not None:
        return Line("done", f"Escalated to {group}", about, fired.at)
    due = request.created_at + timer.after
    if not request.is_open or request.is_with_agent:
        return None
    return Line("waiting", f"Escalates to {group} at {_clock(due)}", f"{about}, unless it is decided by then")


def _clock(at: datetime) -> str:
    return f"{at:%H:%M} UTC" if at.date() == database_now().date() else f"{at:%-d %b %H:%M} UTC"
