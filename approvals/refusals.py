"""Why a decision was not recorded. Each message is the sentence the person reads; nothing was changed."""


class VerdictRefused(Exception):
    """A verdict that was not recorded."""


class AlreadyDecided(VerdictRefused):
    """The request was settled by someone else, or ran out, first (F1: first writer wins)."""


class DigestChanged(VerdictRefused):
    """The payload is no longer the one that was shown; nothing was decided (P4)."""


class NotEntitled(VerdictRefused):
    """This person may not decide this step (R-24)."""


class ReasonNeeded(VerdictRefused):
    """A decision that needs a reason has none, or too short a one."""
