"""Publishing a version and finding the live one."""

from functools import lru_cache

from django.db import transaction

from accounts.actors import Actor
from accounts.clock import database_now
from accounts.models import Workspace
from policies.engine.document import Document, load
from policies.engine.selftest import run_tests
from policies.models import Policy, PolicyVersion


class PolicyMissing(LookupError):
    """The workspace has no live policy of that name: everything is denied."""


class TestsFailed(Exception):
    """The document's own tests do not pass; it was not published."""

    def __init__(self, failures: tuple[str, ...]) -> None:
        self.failures = failures
        super().__init__("; ".join(failures))


@lru_cache(maxsize=256)
def parsed(digest: str, source: str) -> Document:
    """A document by its content. The whole text is part of the key, so nothing stale can be served."""
    return load(source)


def live_document(*, workspace_id: str, slug: str) -> tuple[Document, PolicyVersion]:
    """The live version, read from the database each time (P9). Raises PolicyMissing or PolicyError."""
    version = (
        PolicyVersion.objects.select_related("policy")
        .filter(policy__workspace_id=workspace_id, policy__slug=slug, is_live=True)
        .first()
    )
    if version is None:
        raise PolicyMissing(f"There is no live policy {slug} in this workspace.")
    return parsed(version.digest, version.source), version


def publish_version(*, actor: Actor, workspace: Workspace, source: str, message: str) -> PolicyVersion:
    """Load, test and publish a document as the next live version. Raises PolicyError or TestsFailed; nothing is published."""
    document = load(source)
    failures = tuple(f"{r.name}: {r.failure}" for r in run_tests(document) if r.failure)
    if failures:
        raise TestsFailed(failures)
    with transaction.atomic():
        policy, _ = Policy.objects.get_or_create(
            workspace=workspace, slug=document.slug, defaults={"name": document.name}
        )
        policy = Policy.objects.select_for_update().get(pk=policy.pk)
        newest = policy.versions.order_by("-number").first()
        policy.versions.filter(is_live=True).update(is_live=False)
        return PolicyVersion.objects.create(
            policy=policy,
            number=newest.number + 1 if newest else 1,
            source=source,
            digest=document.digest,
            message=message,
            published_by={"kind": actor.kind, "id": actor.id, "name": actor.name},
            published_at=database_now(),
        )
