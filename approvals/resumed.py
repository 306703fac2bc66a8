"""Verdicts that were kept before they were recorded, in people's words: titles where the form has ids and digests."""

from collections.abc import Iterator
from typing import Any

from accounts.access import NotVisible
from accounts.display.structure import as_words
from accounts.kept import Kept
from accounts.models import User
from accounts.resumed import Told, describe_by
from approvals.access import get_request_for
from approvals.models import ApprovalRequest

CHOICES = {"approve": "Approve", "reject": "Reject"}
# Changes that would be sent, of those a request shows.
SENT = frozenset({"added", "changed", "edited"})
LONGEST = 160
GONE = "It changed or was decided meanwhile, so nothing will be recorded for it."


def describe_forms() -> None:
    """Called once when the app starts."""
    describe_by("approvals:decide", _decide)
    describe_by("approvals:ask_changes", _ask)
    describe_by("approvals:break_glass", _break_glass)
    describe_by("approvals:batch", _batch)


def fate(request: ApprovalRequest, digest: str, choice: str) -> str:
    """What will be asked for one request, or that its time has gone."""
    return CHOICES.get(choice, "Leave it for now") if request.is_open and request.digest == digest else GONE


def _reason(kept: Kept, label: str = "Reason") -> Iterator[tuple[str, str]]:
    text = kept.data.get("reason", "").strip()
    if text:
        yield label, text


def _decide(user: User, kept: Kept, request_id: str) -> Told:
    found = get_request_for(user, request_id)
    data = kept.data
    step = [("Step", data["step"])] if data.get("step") else []
    choice = fate(found, data.get("digest", ""), data.get("choice", ""))
    return Told(found.title, (("Your decision", choice), *step, *_reason(kept)))


def _ask(user: User, kept: Kept, request_id: str) -> Told:
    return Told(
        get_request_for(user, request_id).title, (("Your decision", "Ask for changes"), *_reason(kept, "Question"))
    )


def _break_glass(user: User, kept: Kept, request_id: str) -> Told:
    return Told(
        get_request_for(user, request_id).title, (("Your decision", "Run it now, in an emergency"), *_reason(kept))
    )


def _batch(user: User, kept: Kept, **parts: Any) -> Told:
    """Ticked ones with their titles, then those left alone."""
    ticked = [value for name, value in kept.fields if name == "id"]
    left = [value for name, value in kept.fields if name == "shown" and value not in ticked]
    choice = kept.data.get("choice", "")
    lines = [(_title(user, one), _ticked(user, kept, one, choice)) for one in ticked]
    lines += [(_title(user, one), "Not ticked, so left as it is") for one in left]
    plural = "" if len(ticked) == 1 else "s"
    return Told(f"{CHOICES.get(choice, 'Decide')} {len(ticked)} request{plural} together", (*lines, *_reason(kept)))


def _title(user: User, request_id: str) -> str:
    """With what would change, because requests of one batch often have one title."""
    try:
        found = get_request_for(user, request_id)
    except NotVisible:
        return "A request you do not see any more"
    rows = [row for row in found.displayed["payload"].get("rows", ()) if row["kind"] in SENT]
    what = ", ".join(f"{row['field']}: {as_words(row['new'])}" for row in rows)
    return f"{found.title}. {what[:LONGEST]}{'…' if len(what) > LONGEST else ''}"


def _ticked(user: User, kept: Kept, request_id: str, choice: str) -> str:
    try:
        return fate(get_request_for(user, request_id), kept.data.get(f"digest-{request_id}", ""), choice)
    except NotVisible:
        return GONE
