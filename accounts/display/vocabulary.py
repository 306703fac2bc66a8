"""The closed list of statuses and modes: word, icon and tone of each. Owns no other text."""

from dataclasses import dataclass


class UnknownStatus(LookupError):
    """A status or mode the design has no word for."""


@dataclass(frozen=True, slots=True)
class Status:
    """`tone` is ok, warn, bad, info or grey; it is the last of the three to carry meaning."""

    tone: str
    icon: str
    word: str


OK, WARN, BAD, GREY = "ok", "warn", "bad", "grey"

STATUSES: dict[str, Status] = {
    "allowed": Status(OK, "circle-check", "Allowed"),
    "passed": Status(OK, "circle-check", "Passed"),
    "approved": Status(OK, "circle-check", "Approved"),
    "done": Status(OK, "circle-check", "Done"),
    "completed": Status(OK, "circle-check", "Completed"),
    "verified": Status(OK, "shield-check", "Verified"),
    "reversible": Status(OK, "circle-check", "Reversible"),
    # Escalated is never red: it is the system working.
    "escalated": Status(WARN, "circle-arrow-up", "Escalated"),
    "waiting": Status(WARN, "timer", "Waiting"),
    "open": Status(WARN, "timer", "Waiting"),
    "running": Status(WARN, "timer", "Running"),
    "due": Status(WARN, "timer", "Due"),
    "break_glass": Status(WARN, "triangle-alert", "Emergency"),
    "denied": Status(BAD, "octagon-x", "Denied"),
    "rejected": Status(BAD, "octagon-x", "Rejected"),
    "failed": Status(BAD, "octagon-x", "Failed"),
    "unknown": Status(BAD, "octagon-x", "Outcome unknown"),
    "stopped": Status(BAD, "octagon-x", "Stopped"),
    "overdue": Status(BAD, "octagon-x", "Overdue"),
    "rolled_back": Status("info", "undo-2", "Rolled back"),
    "expired": Status(GREY, "ban", "Expired"),
    "skipped": Status(GREY, "ban", "Skipped"),
    "withdrawn": Status(GREY, "ban", "Withdrawn"),
    "stale": Status(GREY, "ban", "Out of date"),
    "redacted": Status(GREY, "eye-off", "Redacted"),
    "cant_undo": Status(GREY, "ban", "Can’t be undone"),
}

# How many of the four bars a mode fills. A mode left to the tier shows the tier's two.
LEVELS = {"off": 0, "read": 1, "draft": 2, "tier": 2, "approval": 3, "auto": 4}


def status_of(key: str) -> Status:
    """The status named `key`. Raises UnknownStatus, so that a new state cannot reach a page without a word."""
    if key not in STATUSES:
        raise UnknownStatus(f"{key!r} is not in the status vocabulary. Add it to accounts.display.vocabulary.")
    return STATUSES[key]


def level_of(mode: str) -> int:
    """Filled bars of a mode, 0 to 4. Raises UnknownStatus."""
    if mode not in LEVELS:
        raise UnknownStatus(f"{mode!r} is not a mode. Modes are {', '.join(LEVELS)}.")
    return LEVELS[mode]
