"""Several requests reviewed on one page: only the same tool, tier and reversible effect, and each is decided by itself (E-03).

Must not decide anything more loosely than one request alone: every item goes through `record_verdict` with the digest that
was shown, in a transaction of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError

from accounts.access import NotVisible
from accounts.actors import Actor
from accounts.clock import database_now
from accounts.models import User
from approvals.access import get_request_for, requests_visible_to
from approvals.eligibility import eligibility
from approvals.longtext import long_values
from approvals.models import ApprovalRequest, ApprovalSettings, Verdict
from approvals.people import Person, person_in
from approvals.refusals import AlreadyDecided, DigestChanged, VerdictRefused
from approvals.requirement import required_level, settings_of
from approvals.services import record_verdict, refuse_unproven
from approvals.statement import Proof

MOST = 50
NOTHING_LEFT = "None of these can be reviewed together. Open each by itself."
UNSURE = "The database did not answer in time. Open it to see whether it was decided."


class BatchRefused(Exception):
    """These requests cannot be reviewed together. The message is the sentence the person reads."""


@dataclass(frozen=True, slots=True)
class Item:
    """One request on the page: its effect in a line, what would change, and the digest that travels with its tick."""

    id: str
    title: str
    agent: str
    asked_by: str
    rows: Sequence[Mapping[str, Any]]
    # Arguments that are no field of a row, such as the record's name.
    beside: Mapping[str, Any]
    digest: str
    expires_at: Any


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One request that is not on the page, and why."""

    id: str
    title: str
    reason: str
    # Whether somebody decided it first.
    settled: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """What one person may decide together."""

    tool_title: str
    tier: str
    items: Sequence[Item]
    requests: Sequence[ApprovalRequest]
    left_out: Sequence[LeftOut]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one item: done, changed, decided, refused or unsure; `text` says it in words."""

    id: str
    title: str
    outcome: str
    text: str


def why_alone(request: ApprovalRequest) -> str:
    """Why a request is reviewed alone; "" where it may stand in a batch."""
    if request.kind != ApprovalRequest.Kind.APPROVAL:
        return "A draft is read and sent alone."
    if request.displayed["reversibility"] != "reversible":
        return "It can’t be undone by itself, so it is reviewed alone."
    if request.displayed["payload"]["kind"] != "record":
        return "A message is read whole, so it is reviewed alone."
    if long_values(request.displayed["payload"]):
        return "It holds a long text, so it is reviewed alone."
    return ""


def sort_of(request: ApprovalRequest) -> tuple[str, str]:
    """Tool and tier: what all items of a batch share."""
    return str(request.displayed["tool"]), str(request.displayed.get("tier", ""))


def batch_of(user: User, ids: Sequence[str]) -> Batch:
    """The requests as one page. Raises NotVisible for one this person may not see, BatchRefused where nothing is left."""
    found = _sorted_out(user, ids)
    if not found.items:
        raise BatchRefused(NOTHING_LEFT)
    return found


def _sorted_out(user: User, ids: Sequence[str]) -> Batch:
    """The same, also where nothing is left that may be decided together."""
    if len(ids) > MOST:
        raise BatchRefused(f"At most {MOST} requests are reviewed together. Tick fewer.")
    requests = _requests(user, list(dict.fromkeys(ids)))
    who = person_in(user, requests[0].workspace) if requests else None
    wanted = settings_of(requests[0].workspace_id) if requests else None
    reasons = {request.pk: _why_not(user, request, who, wanted) for request in requests}
    fit = [request for request in requests if not reasons[request.pk]]
    for request in fit:
        if sort_of(request) != sort_of(fit[0]):
            reasons[request.pk] = "It is about another tool or tier than the first one."
    return Batch(
        tool_title=fit[0].displayed["tool_title"] if fit else "",
        tier=sort_of(fit[0])[1] if fit else "",
        items=[_item(request) for request in requests if not reasons[request.pk]],
        requests=[request for request in requests if not reasons[request.pk]],
        left_out=[LeftOut(r.pk, r.title, reasons[r.pk], not r.is_open) for r in requests if reasons[r.pk]],
    )


def _requests(user: User, ids: Sequence[str]) -> list[ApprovalRequest]:
    """In the order given, all of one workspace. Raises NotVisible when one of them is not to be seen there."""
    if not ids:
        return []
    workspace = get_request_for(user, ids[0]).workspace
    found = requests_visible_to(user, workspace).select_related("workspace").in_bulk(ids)
    if set(found) != set(ids):
        raise NotVisible("approval")
    return [found[request_id] for request_id in ids]


def _why_not(user: User, request: ApprovalRequest, who: Person | None, wanted: ApprovalSettings | None) -> str:
    may = eligibility(user, request, who)
    if not may.may_decide:
        return may.reason
    alone = "A passkey signs it by itself, so it is reviewed alone." if signs_alone(request, wanted) else ""
    return why_alone(request) or alone


def signs_alone(request: ApprovalRequest, wanted: ApprovalSettings | None = None) -> bool:
    """Whether a passkey signs each approval of it, which no step-up for several does."""
    return required_level(request, wanted) == "passkey"


def _item(request: ApprovalRequest) -> Item:
    agent = request.agent.name if request.agent else request.requester.name
    payload = request.displayed["payload"]
    rows = [row for row in payload["rows"] if row["kind"] != "unchanged"]
    return Item(
        request.pk, request.title, agent, request.requester.name, rows, payload.get("beside", {}), request.digest,
        request.expires_at,
    )  # fmt: skip


def decide_together(
    *, actor: Actor, user: User, choice: str, reason: str, seen: Mapping[str, str], proof: Proof | None = None
) -> list[Result]:
    """Record the same verdict on each request of `seen` (id -> digest shown), each as if it stood alone.

    Raises NotVisible, BatchRefused and StepUpNeeded before anything is recorded; after that one item's failure stops no other.
    """
    batch = _sorted_out(user, list(seen))
    # Where others decided all of them first, each is told by itself; what never stood together is refused as a whole.
    if not batch.items and not any(one.settled for one in batch.left_out):
        raise BatchRefused(NOTHING_LEFT)
    if choice == Verdict.Choice.REJECT and not reason.strip():
        raise BatchRefused("Write a reason. The agents and the people who asked will read it.")
    if choice == Verdict.Choice.APPROVE:
        asked = ApprovalRequest.objects.filter(pk__in=[item.id for item in batch.items])
        refuse_unproven_together(user, asked, proof)
    given = {"choice": choice, "reason": reason, "proof": proof, "together": len(batch.items)}
    done = [_decide(actor, user, item, seen[item.id], given) for item in batch.items]
    rest = [(one, "decided" if one.settled else "refused") for one in batch.left_out]
    return done + [Result(one.id, one.title, outcome, one.reason) for one, outcome in rest]


def refuse_unproven_together(user: User, requests: Iterable[ApprovalRequest], proof: Proof | None) -> None:
    """Raises StepUpNeeded where one of several approvals would lack its proof, so that all of them wait for it."""
    now = database_now()
    for request in requests:
        refuse_unproven(request, user, proof, now)


def _decide(actor: Actor, user: User, item: Item, digest: str, given: Mapping[str, Any]) -> Result:
    try:
        record_verdict(actor=actor, user=user, request_id=item.id, digest=digest, **given)
    except DigestChanged:
        return Result(item.id, item.title, "changed", "It changed after you opened this page. Nothing was decided.")
    except AlreadyDecided as error:
        return Result(item.id, item.title, "decided", str(error))
    except VerdictRefused as error:
        return Result(item.id, item.title, "refused", str(error))
    except (
        OperationalError
    ):  # A lock that was not given, a connection that was cut: the others are decided all the same.
        return Result(item.id, item.title, "unsure", UNSURE)
    return Result(item.id, item.title, "done", {"approve": "Approved", "reject": "Rejected"}[given["choice"]])


def summary(results: Sequence[Result]) -> str:
    """`12 done, 2 changed meanwhile`."""
    words = {"done": "done", "changed": "changed meanwhile", "decided": "already decided", "refused": "not decided",
             "unsure": "without an answer"}  # fmt: skip
    counts = {key: sum(one.outcome == key for one in results) for key in words}
    return ", ".join(f"{counts[key]} {word}" for key, word in words.items() if counts[key])
