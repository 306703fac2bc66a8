"""A trace in every state there is, to be looked at: what a release stored of each, told again in the sample workspace."""

from collections.abc import Callable

from accounts.models import Workspace
from tests.browser import shown
from tests.traces.ledgers import attacker
from traces.models import Trace
from traces.services import summarise
from traces.show import show

# Name here -> the stored ledger whose state it is.
OUTCOMES = {
    "waiting": "waiting", "completed": "completed", "denied": "denied", "refused": "refused", "rejected": "rejected",
    "blocked": "blocked", "stale": "stale", "unknown": "unknown", "needs-a-person": "needs_human",
    "failed": "failed_attested", "rolled-back": "rolled_back",
}  # fmt: skip
STEPS = 500
# The record at which it is spoiled: the first approver's verdict.
SPOILED = 18


def outcome(workspace: Workspace, name: str) -> Trace:
    opening, *rest = shown.stored(name)
    return _told(workspace, opening, rest)


def running(workspace: Workspace) -> Trace:
    """The refund is made, and the account's update was sent."""
    opening, *rest = shown.stored("completed")
    sent = [at for at, record in enumerate(rest) if record["type"] == "action.dispatching"]
    return _told(workspace, opening, rest[: sent[2] + 1])


def no_changes(workspace: Workspace) -> Trace:
    opening, *rest = shown.stored("completed")
    return _told(workspace, opening, shown.of_step(rest, 1))


def integrity_failure(workspace: Workspace) -> Trace:
    """Somebody who holds the database wrote another decision into a trace that was completed."""
    trace = outcome(workspace, "completed")
    with attacker() as cursor:
        spoil = "UPDATE traces_entry SET canonical = replace(canonical, 'approve', 'reject') WHERE trace_id = %s AND seq = %s"
        cursor.execute(spoil, [trace.pk, SPOILED])
        assert cursor.rowcount == 1
    return trace


def _told(workspace: Workspace, opening: dict, records: list[dict]) -> Trace:
    """Lists show what the page says of it."""
    trace = shown.opened(workspace, opening["body"]["intent"], opening["body"]["sources"])
    shown.told(trace, records)
    story, _ = show(trace, tab="")
    summarise(trace_id=trace.pk, title=story.title, outcome=story.outcome)
    return trace


def seed(slug: str) -> dict[str, str]:
    """Name of each -> the address of its page."""
    workspace = Workspace.objects.get(slug=slug)
    made: dict[str, Callable[[Workspace], Trace]] = {
        "partly-redacted": shown.partly_redacted, "many-systems": shown.many_systems,
        "running": running, "no-changes": no_changes, "integrity-failure": integrity_failure,
        "two-thousand-entries": shown.long, "five-hundred-steps": lambda where: shown.long(where, STEPS),
    }  # fmt: skip
    # Erasing a subject reaches every trace there is: first what is erased, then what is not.
    traces = {name: make(workspace) for name, make in made.items()}
    traces |= {name: outcome(workspace, of) for name, of in OUTCOMES.items()}
    return {name: f"/traces/{trace.pk}/" for name, trace in traces.items()}
