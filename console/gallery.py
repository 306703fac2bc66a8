"""Every component once, with made-up values: what the gallery page shows, and what tests of single components draw."""

from datetime import UTC, datetime
from typing import Any

from accounts.display.vocabulary import LEVELS, STATUSES
from approvals.rail import Line

AT = datetime(2026, 11, 20, 2, 3, 9, tzinfo=UTC)
TRACE = "trc_01K7QZ4M8T2VQ5R8W3X6Y9Z0AB"
CARD = {"$withheld": "card number", "commitment": "c0ffee"}
DENIED = {
    "outcome": "denied", "name": "Field allowlist", "rule": "fields.crm.account", "step_n": 3,
    "reason": "credit_limit isn't on the allowlist for crm.account.update. It was not written.",
    "remedy": "Leave it out, or ask a policy admin to allow it.",
}  # fmt: skip
ESCALATED = {
    "outcome": "escalated", "name": "Spend limit", "rule": "limits.refund.auto", "step_n": 2, "remedy": "",
    "reason": "$240.00 is over the $100.00 automatic limit, so two people had to approve.",
}  # fmt: skip
PASSED = {
    "outcome": "passed",
    "name": "Row scope",
    "rule": "scopes.crm.account",
    "step_n": 3,
    "reason": "In scope.",
    "remedy": "",
}
ROWS: list[dict[str, Any]] = [
    {"field": "refund_status", "kind": "changed", "old": "none", "new": "refunded", "note": ""},
    {
        "field": "credit_limit",
        "kind": "kept_denied",
        "old": "5,000.00",
        "new": "5,000.00",
        "denied": "12,000.00",
        "note": "",
    },
    {"field": "card", "kind": "added", "old": None, "new": CARD, "note": ""},
    {"field": "region", "kind": "unchanged", "old": "EU", "new": "EU", "note": ""},
    {
        "field": "body",
        "kind": "edited",
        "old": "",
        "new": "b",
        "original": "a",
        "note": "edited by Maya before sending",
    },
]
# Hidden, look-alike and misleading characters, as agents could write them.
TEXTS = ["Plain", "pay\u202ements", "p\u0430ypal", "https://paypal.example@evil.example/login"]


def samples() -> dict[str, Any]:
    """The context of gallery/_components.html."""
    return {
        "statuses": list(STATUSES), "modes": list(LEVELS), "checks": [DENIED, ESCALATED, PASSED], "rows": ROWS, "texts": TEXTS,
        "steps": [Line("done", "Plan checked", "9 checks"), Line("current", "Step 1", "You"), Line("waiting", "Sends", "Once")],
        "ident": TRACE, "at": AT, "numbers": [3, 4, 6, 5, 9],
    }  # fmt: skip
