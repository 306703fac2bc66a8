"""Writes a published version: the one place where a policy's live document changes.

INVARIANT: a version, the end of the one before it and their ledger entry are written in one transaction, under the policy's
row lock, so versions never fork (P9). Held by tests/policies/test_publishing.py.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.actors import Actor
from accounts.clock import database_now
from accounts.held import govern
from accounts.models import User
from policies.catalog import facts_of
from policies.documents import live_version
from policies.engine.diff import Diff, compare
from policies.engine.document import Document, load
from policies.engine.problems import PolicyError
from policies.engine.shipgate import unexpired
from policies.models import Policy, PolicyVersion
from traces.services import record_governance


@dataclass(frozen=True, slots=True)
class Publication:
    """What is published, by whom, why and how. People are in the ledger's form."""

    source: str
    document: Document
    message: str
    published_by: Mapping[str, Any]
    how: str
    reason: str = ""
    approved_by: Mapping[str, Any] | None = None
    reverts: int | None = None


def lock_policy(policy_id: str) -> Policy:
    """The policy, held until the transaction ends: whoever changes its drafts or versions waits here for the others."""
    return Policy.objects.select_for_update(no_key=True, of=("self",)).select_related("workspace").get(pk=policy_id)


def person(user: User) -> dict[str, str]:
    """A person as the ledger writes them."""
    return {"kind": "user", "id": user.pk, "name": user.name}


def difference(policy: Policy, document: Document) -> Diff:
    """What a document changes of what is live. The live text is read anew: how many people it takes hangs on it.

    A live text that this release does not read any more denies everything, so it is as if there were none: the first version
    takes two people, and nothing has to be mended in the database before one can be published.
    """
    live = live_version(policy)
    return compare(_read(live.source) if live else None, document.plain, facts_of(policy.workspace_id))


def _read(source: str) -> Mapping[str, Any] | None:
    try:
        return load(source).plain
    except PolicyError:
        return None


def write_version(*, actor: Actor, policy: Policy, diff: Diff, publication: Publication) -> PolicyVersion:
    """Make a document the live version. The caller holds the policy's lock and has seen every gate hold; it ends its
    transaction now, waiting for nobody (`accounts.held`)."""
    before = live_version(policy)
    newest = policy.versions.order_by("-number").first()
    at = database_now()
    policy.versions.filter(is_live=True).update(is_live=False)
    version = PolicyVersion.objects.create(
        policy=policy,
        number=newest.number + 1 if newest else 1,
        source=publication.source,
        digest=publication.document.digest,
        message=publication.message,
        published_by=publication.published_by,
        approved_by=publication.approved_by,
        verdict=diff.verdict,
        waived=waivers_in_force(publication.document, at),
        reverts=_reverted(policy, publication),
        published_at=at,
    )
    Policy.objects.filter(pk=policy.pk).update(name=publication.document.name)
    body = _entry(policy, before, version, diff, publication)
    record_governance(actor=actor, workspace_id=policy.workspace_id, type="policy.published", body=body)
    govern(policy.workspace_id)
    return version


def waivers_in_force(document: Document, at: datetime) -> list[dict[str, Any]]:
    """The document's waivers that have not expired."""
    return [dict(waiver) for waiver in unexpired(document.plain, at=at)]


def _reverted(policy: Policy, publication: Publication) -> int | None:
    """The number it brings back: only while the content is still that version's."""
    if publication.reverts is None:
        return None
    same = policy.versions.filter(number=publication.reverts, digest=publication.document.digest)
    return publication.reverts if same.exists() else None


def _entry(
    policy: Policy, before: PolicyVersion | None, version: PolicyVersion, diff: Diff, publication: Publication
) -> dict[str, Any]:
    return {
        "policy": policy.slug,
        "version": version.number,
        "digest": version.digest,
        "replaced": {"version": before.number, "digest": before.digest} if before else None,
        "reverts": version.reverts,
        **told(diff),
        "message": publication.message,
        "reason": publication.reason,
        "how": publication.how,
        "published_by": publication.published_by,
        "approved_by": publication.approved_by,
        "waivers": version.waived,
    }


def told(diff: Diff) -> dict[str, Any]:
    """A difference as the ledger keeps it: the verdict, how many changes of each effect, and each in its words."""
    return {
        "verdict": diff.verdict,
        "counts": dict(Counter(change.effect for change in diff.changes)),
        "changes": [{"effect": change.effect, "label": change.label} for change in diff.changes],
    }
