"""The one open draft of a policy: opening, saving, bringing up to date, discarding.

INVARIANT: whoever changes a draft holds its policy's row lock and names the revision they looked at, so nobody's work is
overwritten unseen. Held by tests/policies/test_drafts.py.
"""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Max

from accounts.access import NotVisible, require
from accounts.actors import Actor
from accounts.clock import database_now
from accounts.models import User, Workspace
from accounts.permissions import Permission
from policies.access import OPEN_STATES, get_draft_for, open_draft_of
from policies.admission import admitted
from policies.catalog import facts_of
from policies.documents import document_of, live_version, still_read
from policies.engine.diff import Diff, compare
from policies.engine.document import load
from policies.engine.merge import ChoiceMissing, Merged, merge, resolve
from policies.engine.yaml_out import dump
from policies.models import Policy, PolicyDraft, PolicyVersion
from policies.refusals import DraftChanged, DraftClosed, DraftExists, PolicyRefused, RebaseConflicts
from policies.versions import lock_policy, told
from policies.waivers import grants, proven
from traces.services import record_governance

State = PolicyDraft.State


def minimal(slug: str, name: str) -> dict[str, Any]:
    """The document a new policy starts from: it has no role, so it allows nothing."""
    return {"policy": {"slug": slug, "name": name}, "roles": {}}


def create_policy(*, actor: Actor, user: User, workspace: Workspace, slug: str, name: str) -> PolicyDraft:
    """A new policy with an open draft that allows nothing. Raises PolicyRefused, PolicyError, Forbidden or NotVisible."""
    require(user, Permission.POLICY_EDIT, workspace)
    load(dump(minimal(slug, name)))
    with transaction.atomic():
        policy = _made(Policy(workspace=workspace, slug=slug, name=name))
        return open_draft(actor=actor, user=user, policy=policy)


def _made(policy: Policy) -> Policy:
    try:
        policy.full_clean(validate_constraints=False)
        with transaction.atomic():
            policy.save(force_insert=True)
    except ValidationError as error:
        field, sentences = next(iter(error.message_dict.items()))
        raise PolicyRefused(field, " ".join(sentences)) from error
    except IntegrityError as error:
        raise PolicyRefused("slug", f"There is already a policy {policy.slug}. Choose another short name.") from error
    return policy


def open_draft(
    *,
    actor: Actor,
    user: User,
    policy: Policy,
    source: str | None = None,
    evidence: Mapping[str, Any] | None = None,
    reverts: int | None = None,
) -> PolicyDraft:
    """The open draft, or a new one: from `source`, else from the live version where it still loads, else allowing nothing.

    Raises DraftExists when `source` is given and the open draft says something else; PolicyError, Forbidden, NotVisible.
    """
    _require_same_workspace(actor, policy)
    require(user, Permission.POLICY_EDIT, policy.workspace)
    with transaction.atomic():
        policy = lock_policy(policy.pk)
        existing = open_draft_of(policy)
        if existing is None:
            return _opened(actor, user, policy, source, evidence, reverts)
    if source is not None and document_of(policy, source).digest != existing.digest:
        raise DraftExists(existing)
    return existing


def _opened(
    actor: Actor,
    user: User,
    policy: Policy,
    source: str | None,
    evidence: Mapping[str, Any] | None,
    reverts: int | None,
) -> PolicyDraft:
    live = live_version(policy)
    if source is None:
        source = live.source if live and still_read(live) else dump(minimal(policy.slug, policy.name))
        document = document_of(policy, source)
    else:
        document = admitted(actor=actor, policy=policy, source=source, before=_origin(policy, live, reverts))
    now = database_now()
    # Revisions go on from draft to draft, so that a page drawn for one never speaks of the next.
    last = PolicyDraft.objects.filter(policy=policy).aggregate(last=Max("revision"))["last"] or 0
    draft = PolicyDraft.objects.create(
        policy=policy, revision=last + 1, base=live, source=source, digest=document.digest,
        granted=proven(document, grants(policy, actor)),
        evidence=dict(evidence or {}), reverts=reverts, created_by=user, updated_by=user, created_at=now,
        updated_at=now,
    )  # fmt: skip
    body = {"base": live.number if live else None, "evidence": draft.evidence, "reverts": reverts}
    record_draft(actor, draft, "policy.draft_opened", body)
    return draft


def _origin(policy: Policy, live: PolicyVersion | None, reverts: int | None) -> str:
    """The version that a draft's text was made from: the one it brings back, else what is live."""
    version = live if reverts is None else policy.versions.get(number=reverts)
    return version.source if version else ""


def save_draft(
    *, actor: Actor, user: User, draft_id: str, revision: int, plain: Mapping[str, Any], message: str = ""
) -> PolicyDraft:
    """Replace the draft's content. What was proposed or scheduled is open again; the same content again changes nothing.

    Raises DraftChanged, DraftClosed, PolicyError with every problem, Forbidden or NotVisible; then nothing is saved.
    """
    with transaction.atomic():
        draft = draft_under_lock(actor=actor, user=user, draft_id=draft_id, revision=revision)
        return _saved(actor, user, draft, plain, message, base=draft.base)


def _saved(
    actor: Actor, user: User, draft: PolicyDraft, plain: Mapping[str, Any], message: str, *, base: PolicyVersion | None
) -> PolicyDraft:
    source = dump(plain)
    document = admitted(actor=actor, policy=draft.policy, source=source, before=draft.source)
    granted = proven(document, grants(draft.policy, actor, draft.granted))
    message = check_length("message", message) or draft.message
    if (document.digest, message, base) == (draft.digest, draft.message, draft.base):
        return draft
    was, earlier = draft.state, still_read(draft)
    said = {"content": draft.digest, "message": draft.message}
    if document.digest != draft.digest:
        draft.source, draft.digest, draft.reverts = source, document.digest, None
    draft.base, draft.message, draft.updated_by, draft.granted = base, message, user, granted
    reopen(draft)
    changes = told(compare(earlier.plain, document.plain, facts_of(draft.policy.workspace_id)) if earlier else _ANEW)
    body = {"was": said, "now": {"content": draft.digest, "message": message}, "changes": changes["changes"]}
    record_draft(actor, draft, "policy.draft_changed", body)
    if was != State.OPEN:
        why = f"{user.name} changed the draft after it was {was}."
        record_draft(actor, draft, "policy.not_published", {"why": why})
    return draft


# Of a text that this release does not read any more: what it said before cannot be told.
_ANEW = Diff("first", ())


def reopen(draft: PolicyDraft, *, problem: str = "") -> None:
    """Open for editing: whatever was proposed, agreed to or scheduled is void. Counts as a save."""
    draft.state, draft.problem = State.OPEN, problem[:500]
    draft.proposed_by = draft.approved_by = draft.effective_at = None
    store(draft)


def store(draft: PolicyDraft) -> None:
    """Save under a new revision, so that whoever looked at the old one is told."""
    draft.revision += 1
    draft.updated_at = database_now()
    draft.save()


def discard_draft(*, actor: Actor, user: User, draft_id: str, revision: int) -> PolicyDraft:
    """Close a draft without publishing it; its content is kept. Raises DraftChanged, DraftClosed, Forbidden or NotVisible."""
    with transaction.atomic():
        draft = draft_under_lock(actor=actor, user=user, draft_id=draft_id, revision=revision)
        draft.state = State.DISCARDED
        store(draft)
        record_draft(actor, draft, "policy.draft_discarded", {})
    return draft


def needs_rebase(draft: PolicyDraft) -> bool:
    """Whether another version went live since the draft was opened or last brought up to date."""
    live = live_version(draft.policy)
    return draft.base_id != (live.pk if live else None)


def merge_of(draft: PolicyDraft) -> Merged:
    """The draft brought up to what is live, cell by cell: `theirs` is the live version, `yours` the draft."""
    live = live_version(draft.policy)
    empty = minimal(draft.policy.slug, draft.policy.name)
    base, theirs = (found.plain if v and (found := still_read(v)) else empty for v in (draft.base, live))
    return merge(base, theirs, load(draft.source).plain)


def rebase_draft(
    *, actor: Actor, user: User, draft_id: str, revision: int, choices: Mapping[str, str] | None = None
) -> PolicyDraft:
    """Bring a draft up to the live version, with a choice for every cell both sides changed.

    Raises RebaseConflicts when one has none, DraftChanged, DraftClosed, PolicyError, Forbidden or NotVisible.
    """
    with transaction.atomic():
        draft = draft_under_lock(actor=actor, user=user, draft_id=draft_id, revision=revision)
        merged = merge_of(draft)
        try:
            plain = resolve(merged, choices or {})
        except ChoiceMissing as error:
            raise RebaseConflicts(merged) from error
        return _saved(actor, user, draft, plain, "", base=live_version(draft.policy))


def draft_under_lock(
    *,
    actor: Actor,
    user: User,
    draft_id: str,
    revision: int,
    permission: Permission = Permission.POLICY_EDIT,
) -> PolicyDraft:
    """An open draft at the revision the person looked at, held until the transaction ends.

    Raises NotVisible, Forbidden, DraftClosed or DraftChanged.
    """
    workspace = Workspace.objects.get(pk=actor.workspace_id)
    require(user, permission, workspace)
    found = get_draft_for(user, workspace, draft_id)
    lock_policy(found.policy_id)
    draft = get_draft_for(user, workspace, draft_id)
    if draft.state not in OPEN_STATES:
        raise DraftClosed(draft)
    if draft.revision != revision:
        raise DraftChanged(draft)
    return draft


def record_draft(actor: Actor, draft: PolicyDraft, verb: str, body: Mapping[str, Any]) -> None:
    """A ledger entry about a draft: which one, and exactly what it said."""
    about = {"policy": draft.policy.slug, "draft": draft.pk, "revision": draft.revision, "digest": draft.digest}
    record_governance(actor=actor, workspace_id=draft.policy.workspace_id, type=verb, body={**about, **body})


def check_length(field: str, text: str) -> str:
    """The text without surrounding space. Raises PolicyRefused when it is longer than is kept."""
    most = 500
    if len(text.strip()) > most:
        raise PolicyRefused(field, f"This has more than {most} characters. Shorten it.")
    return text.strip()


def _require_same_workspace(actor: Actor, policy: Policy) -> None:
    if actor.workspace_id != policy.workspace_id:
        raise NotVisible("policy")
