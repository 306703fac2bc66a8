"""Rollback as a governed action (P10): own trace, own policy decision, own precondition, own proof; undone once."""

from actions.rollback.conflicts import Later
from actions.rollback.order import undone_step
from actions.rollback.outcome import finish
from actions.rollback.preview import Item, Restore, preview, preview_trace, recorded_inverse, waiting
from actions.rollback.run import RollbackRefused, go_on_undoing, roll_back, roll_back_trace, sleeping

__all__ = [
    "Item",
    "Later",
    "Restore",
    "RollbackRefused",
    "finish",
    "go_on_undoing",
    "preview",
    "preview_trace",
    "recorded_inverse",
    "roll_back",
    "roll_back_trace",
    "sleeping",
    "undone_step",
    "waiting",
]
