"""A request as a terminal shows it: the review page's own data, whole, with nothing hidden (R-23)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from accounts.display.plain import plain, plain_lines
from accounts.display.structure import as_words
from accounts.models import User
from approvals.models import ApprovalRequest
from approvals.queue import queue_page
from approvals.review import Review, review_page

SIGNS = {"removed": "-", "added": "+", "same": " "}
# Longer than any title or check that is made here, so that nothing of them is cut either.
WHOLE = 100_000


def request_as_text(user: User, request: ApprovalRequest) -> list[str]:
    """What this person would read on the page before deciding, line by line, and the digest of what would run."""
    found = review_page(user, request, page=queue_page(user, request.workspace, ""), opened=True)
    return [
        *_head(found),
        "",
        *_payload(found.payload),
        "",
        *_checks(found),
        *(f"The agent says it used: {_line(source['title'])}" for source in found.context_used),
        *_steps(found),
        "",
        f"Digest: {found.digest}",
    ]


def _line(text: object) -> str:
    return plain(str(text), WHOLE)


def _head(found: Review) -> Iterator[str]:
    yield _line(found.title)
    yield f"Agent: {_line(found.agent)}, asked by {_line(found.asked_by)}"
    yield f"Approval: {found.id}, {found.state}, due {found.due_at:%Y-%m-%d %H:%M} UTC"
    for item in found.blast:
        yield f"{_line(item['label'])}: {_line(item['value'])} {_line(item['detail'])}".rstrip()
    if found.irreversible:
        yield "This cannot be taken back."
    if found.stands_in_text:
        yield _line(found.stands_in_text)


def _payload(payload: Mapping[str, Any]) -> Iterator[str]:
    yield f"{_line(payload['title'])}:"
    if payload["kind"] == "email":
        for part in ("to", "subject", "body"):
            yield f"  {part}:"
            yield from _segments(payload[f"{part}_segments"])
    for row in payload["rows"]:
        yield from _row(row)
    if payload.get("dry_run"):
        yield "  What its own dry run says it would do; the system's words:"
        yield from (f"      {line}" for line in plain_lines(payload["dry_run"]))
    for name, value in payload["beside"].items():
        yield from _value(name, "with", value)
    if payload.get("record"):
        yield f"  Read from {_line(payload['record'])} at {payload['read_at']:%Y-%m-%d %H:%M:%S} UTC"


def _segments(segments: Sequence[tuple[str, str]]) -> Iterator[str]:
    """A text; where a person edited it, what was the agent's and what is that person's."""
    edited = any(kind != "same" for kind, _ in segments)
    for side in ("removed", "added") if edited else ("same",):
        text = "".join(text for kind, text in segments if kind in {"same", side})
        yield from (f"    {SIGNS[side]} {line}" for line in plain_lines(text))


def _row(row: Mapping[str, Any]) -> Iterator[str]:
    kind = row["kind"]
    if kind == "edited":
        yield from _value(row["field"], "agent's value", row.get("original", row.get("agents")))
    elif kind != "added":
        yield from _value(row["field"], "now", row["old"])
    if "agents" in row and kind != "edited":
        yield from _value(row["field"], "the agent proposed", row["agents"])
    if kind == "kept_denied":
        yield from _value(row["field"], "refused by policy, stays as it is; asked for", row.get("denied"))
    elif kind == "removed":
        yield f"  {_line(row['field'])}, will be:"
        yield "      [removed]"
    elif kind != "unchanged":
        yield from _value(row["field"], "will be", row["new"])
    if row.get("note"):
        yield f"    ({_line(row['note'])})"


def _value(name: str, what: str, value: Any) -> Iterator[str]:
    yield f"  {_line(name)}, {what}:"
    yield from (f"      {line}" for line in _shown(value))


def _shown(value: Any) -> list[str]:
    """Our own words stand in brackets and without the bar that every line of a value begins with."""
    if isinstance(value, Mapping) and "$withheld" in value:
        return [f"[withheld: {_line(value['$withheld'])}]"]
    if value is None or value == "":
        return ["[not set]" if value is None else "[empty]"]
    return plain_lines(as_words(value))


def _checks(found: Review) -> Iterator[str]:
    for check in found.checks:
        yield f"Check {_line(check['outcome'])}: {_line(check['name'])}. {_line(check['reason'])}"
    yield f"{len(found.passed_checks)} checks passed, policy {_line(found.policy)}"


def _steps(found: Review) -> Iterator[str]:
    for step in found.steps:
        quote = f" “{_line(step.quote)}”" if step.quote else ""
        yield f"[{step.state}] {_line(step.title)}: {_line(step.detail)}{quote}"
