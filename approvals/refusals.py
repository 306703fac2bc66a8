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


class StepUpNeeded(VerdictRefused):
    """The approval needs a fresh proof of who approves; `level` says which (V7.5.3)."""

    def __init__(self, level: str) -> None:
        self.level = level
        what = "a passkey that signs it" if level == "passkey" else "a code or passkey within the last 5 minutes"
        super().__init__(f"This approval needs {what}. Nothing was decided.")


class NotSigned(VerdictRefused):
    """The approval could not be signed, so it was not recorded (P5)."""
