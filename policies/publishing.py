"""From draft to live version: proposing, the second person, the time it takes effect, going back.

INVARIANT: nothing goes live but what `_ready` found ready in the same transaction, and nothing that loosens goes live without two
people. Held by tests/policies/test_publishing.py and tests/policies/test_schedule.py.
"""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, transaction

from accounts.access import NotVisible, has_permission
from accounts.actors import Actor
from accounts.clock import database_now
from accounts.humans import accounts_of
from accounts.models import User
from accounts.permissions import Permission
from policies.documents import live_version
from policies.drafts import check_length, draft_under_lock, needs_rebase, open_draft, record_draft, reopen, store
from policies.engine.diff import Diff
from policies.engine.document import Document
from policies.gates import require_gates
from policies.models import Policy, PolicyDraft, PolicyVersion
from policies.refusals import DraftChanged, PolicyRefused, RebaseNeeded, SecondPersonNeeded
from policies.versions import Publication, difference, lock_policy, person, told, write_version
from policies.waivers import granted_in
from traces.canonical import instant

State = PolicyDraft.State
logger = logging.getLogger("remit.policies")
BATCH = 50
AHEAD_MOST = timedelta(days=366)
# One policy admin may do these alone; everything else takes a second one.
ONE_PERSON = frozenset({"tightens", "same"})


@dataclass(frozen=True, slots=True)
class _Ready:
    """A draft's document, every gate held, and what it changes of what is live."""

    document: Document
    diff: Diff

    @property
    def takes_two(self) -> bool:
        return self.diff.verdict not in ONE_PERSON


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a draft: `version` where it is live, else `draft.state` is proposed or scheduled."""

    draft: PolicyDraft
    version: PolicyVersion | None = None


def propose(
    *,
    actor: Actor,
    user: User,
    draft_id: str,
    revision: int,
    message: str,
    reason: str = "",
    effective_at: datetime | None = None,
) -> Outcome:
    """Ask for publication. What only tightens is published or scheduled at once; the rest waits for a second admin.

    The draft's revision moves, so an agreement is to this proposal and no other. Raises GatesUnmet, RebaseNeeded,
    PolicyRefused, DraftChanged, DraftClosed, Forbidden or NotVisible; then nothing changed.
    """
    with transaction.atomic():
        draft = _to_publish(actor, user, draft_id, revision)
        if draft.state != State.OPEN:
            raise PolicyRefused("draft", f"This draft is already {draft.state}. Change or decline it first.")
        draft.message, draft.reason = _required("message", message), check_length("reason", reason)
        draft.effective_at = _in_future(effective_at)
        draft.proposed_by, draft.approved_by, draft.problem = user, None, ""
        ready = _ready(draft)
        if not ready.takes_two:
            return _settle(actor, draft, ready)
        _required("reason", reason)
        return Outcome(_proposed(actor, draft, ready.diff))


def _proposed(actor: Actor, draft: PolicyDraft, diff: Diff) -> PolicyDraft:
    draft.state = State.PROPOSED
    store(draft)
    body = {"message": draft.message, "reason": draft.reason, "effective_at": _at(draft), **told(diff)}
    record_draft(actor, draft, "policy.proposed", body)
    return draft


def agree(*, actor: Actor, user: User, draft_id: str, revision: int, digest: str) -> Outcome:
    """A second policy admin agrees to exactly what they saw: it is published, or scheduled for its time.

    Raises SecondPersonNeeded for the proposer and the last editor, DraftChanged when anything moved since, and what
    `propose` raises.
    """
    with transaction.atomic():
        draft = _to_publish(actor, user, draft_id, revision)
        if draft.state != State.PROPOSED:
            raise PolicyRefused("draft", "Nobody asked to publish this draft.")
        if draft.digest != digest:
            raise DraftChanged(draft)
        draft.approved_by = user
        ready = _ready(draft)
        _require_people(draft, ready)
        record_draft(actor, draft, "policy.agreed", {"message": draft.message, **told(ready.diff)})
        return _settle(actor, draft, ready)


def decline(*, actor: Actor, user: User, draft_id: str, revision: int, reason: str) -> PolicyDraft:
    """Take a proposed or scheduled draft back to open, saying why. Raises what `draft_under_lock` raises, or PolicyRefused."""
    with transaction.atomic():
        draft = _to_publish(actor, user, draft_id, revision)
        if draft.state == State.OPEN:
            raise PolicyRefused("draft", "Nobody asked to publish this draft.")
        said = _required("reason", reason)
        record_draft(actor, draft, "policy.declined", {"reason": said, "was": draft.state})
        reopen(draft, problem=f"{user.name} declined: {said}")
    return draft


def revert_to(*, actor: Actor, user: User, policy: Policy, number: int) -> PolicyDraft:
    """A draft that brings a version's content back as a new one; it is published like any other draft.

    Raises NotVisible, PolicyRefused, DraftExists, Forbidden, or PolicyError when that version no longer loads.
    """
    version = policy.versions.filter(number=number).first()
    if version is None:
        raise NotVisible("policy version")
    if version.is_live:
        raise PolicyRefused("version", f"Version {number} is live already.")
    return open_draft(actor=actor, user=user, policy=policy, source=version.source, reverts=number)


def publish_due(*, actor: Actor) -> int:
    """Publish every scheduled draft whose time has come; returns how many. Safe to run in several processes at once.

    All gates, both people and the live version are asked again; a draft that no longer holds is open again and says why.
    """
    due = PolicyDraft.objects.filter(state=State.SCHEDULED, effective_at__lte=database_now()).order_by("effective_at")
    ids = list(due.values_list("pk", "policy_id", "policy__workspace_id")[:BATCH])
    return sum(_publish_due(replace(actor, workspace_id=home), draft, policy) for draft, policy, home in ids)


def _publish_due(actor: Actor, draft_id: str, policy_id: str) -> bool:
    try:
        with transaction.atomic():
            draft = _due(draft_id, policy_id)
            if draft is None:
                return False
            ready = _ready(draft)
            _require_people(draft, ready)
            return _settle(actor, draft, ready).version is not None
    except (OperationalError, InterfaceError):
        raise  # Nothing is known to be wrong with the draft: the next round tries again.
    except PolicyRefused as error:
        problem = error.sentence
    except Exception as error:  # A draft that breaks a gate must not stop the drafts behind it.
        logger.exception("A scheduled policy draft could not be published.")
        problem = f"It could not be checked ({type(error).__name__}), so it was not published."
    _give_back(actor, draft_id, policy_id, problem)
    return False


def _due(draft_id: str, policy_id: str) -> PolicyDraft | None:
    """The draft under its policy's lock, if it still is to be published now."""
    lock_policy(policy_id)
    due = PolicyDraft.objects.filter(pk=draft_id, state=State.SCHEDULED, effective_at__lte=database_now())
    return due.select_related("policy__workspace", "base", "proposed_by", "approved_by", "updated_by").first()


def _give_back(actor: Actor, draft_id: str, policy_id: str, problem: str) -> None:
    with transaction.atomic():
        draft = _due(draft_id, policy_id)
        if draft is not None:
            record_draft(actor, draft, "policy.not_published", {"why": problem[:500], "effective_at": _at(draft)})
            reopen(draft, problem=problem)


def _to_publish(actor: Actor, user: User, draft_id: str, revision: int) -> PolicyDraft:
    return draft_under_lock(
        actor=actor, user=user, draft_id=draft_id, revision=revision, permission=Permission.POLICY_PUBLISH
    )


def _ready(draft: PolicyDraft) -> _Ready:
    """The draft when it may go live now. Raises RebaseNeeded, GatesUnmet or PolicyRefused."""
    live = live_version(draft.policy)
    if live is not None and needs_rebase(draft):
        raise RebaseNeeded(live.number)
    if live is not None and live.digest == draft.digest:
        raise PolicyRefused("draft", f"Nothing differs from version {live.number}, which is live.")
    publisher = draft.proposed_by or draft.updated_by
    document = require_gates(draft.policy, draft.source, granted=granted_in(draft, publisher))
    if document.digest != draft.digest:
        raise PolicyRefused("draft", "The draft's text is not what its digest says. Save it again.")
    return _Ready(document, difference(draft.policy, document))


def _require_people(draft: PolicyDraft, ready: _Ready) -> None:
    """Who asked may publish here now; and where it loosens, so may somebody else who agreed."""
    _require_publisher(draft, draft.proposed_by)
    if not ready.takes_two:
        return
    taken = why_not_second(draft, draft.approved_by) if draft.approved_by else ""
    if taken:
        raise SecondPersonNeeded(taken)
    _require_publisher(draft, draft.approved_by)


def why_not_second(draft: PolicyDraft, user: User) -> str:
    """Why this person is not the second one for a draft; "" when they are. Two accounts of one human are one person."""
    mine = accounts_of(user)
    if draft.proposed_by_id in mine:
        return "You asked to publish this. Another policy admin has to agree."
    if draft.updated_by_id in mine:
        return "You edited this last. Another policy admin has to agree."
    return ""


def _require_publisher(draft: PolicyDraft, user: User | None) -> None:
    if user is None:
        raise SecondPersonNeeded("This loosens the policy. A second policy admin has to agree.")
    if not has_permission(user, Permission.POLICY_PUBLISH, draft.policy.workspace):
        raise PolicyRefused("people", f"{user.name} may not publish policies here any more.")


def _settle(actor: Actor, draft: PolicyDraft, ready: _Ready) -> Outcome:
    """Publish what is ready and agreed to, or wait for its time."""
    if draft.effective_at is not None and draft.effective_at > database_now():
        draft.state = State.SCHEDULED
        store(draft)
        body = {"effective_at": _at(draft), "message": draft.message, "reason": draft.reason, **told(ready.diff)}
        record_draft(actor, draft, "policy.scheduled", body)
        return Outcome(draft)
    publication = _publication(draft, ready.document)
    version = write_version(actor=actor, policy=draft.policy, diff=ready.diff, publication=publication)
    draft.state = State.PUBLISHED
    store(draft)
    return Outcome(draft, version)


def _publication(draft: PolicyDraft, document: Document) -> Publication:
    proposer = draft.proposed_by
    assert proposer is not None  # noqa: S101 - `propose` sets it, and a scheduled draft without one was refused.
    return Publication(
        source=draft.source,
        document=document,
        message=draft.message,
        reason=draft.reason,
        published_by=person(proposer),
        approved_by=person(draft.approved_by) if draft.approved_by else None,
        reverts=draft.reverts,
        how="from a draft",
    )


def _required(field: str, text: str) -> str:
    said = check_length(field, text)
    if not said:
        raise PolicyRefused(field, f"Write a {field}, so that whoever reads the history understands this.")
    return said


def _in_future(at: datetime | None) -> datetime | None:
    """A time it may take effect. Raises PolicyRefused; without a time it takes effect at once."""
    if at is None:
        return None
    now = database_now()
    if at.tzinfo is None or not now < at <= now + AHEAD_MOST:
        raise PolicyRefused("effective_at", "Choose a time that lies ahead, at most a year from now.")
    return at


def _at(draft: PolicyDraft) -> str | None:
    return instant(draft.effective_at) if draft.effective_at else None
