"""Policy texts as documents: which one is live, and whether a text may stand for a policy at all."""

from functools import lru_cache

from django.db.models import QuerySet

from accounts.questions import Question
from policies.engine.document import Document, load
from policies.engine.problems import PolicyError
from policies.engine.yaml_source import read
from policies.models import Policy, PolicyDraft, PolicyVersion

NAME_MOST = 120


class PolicyMissing(LookupError):
    """The workspace has no live policy of that name: everything is denied."""


@lru_cache(maxsize=256)
def parsed(digest: str, source: str) -> Document:
    """A document by its content. The whole text is part of the key, so nothing stale can be served."""
    return load(source)


def still_read(kept: PolicyVersion | PolicyDraft) -> Document | None:
    """What was kept once, as a document; None where this release does not read it any more."""
    try:
        return parsed(kept.digest, kept.source)
    except PolicyError:
        return None


def live_versions(workspace_id: str, slug: str) -> QuerySet[PolicyVersion]:
    """The live version of a policy, for those who ask more with it; read it with `read_live`."""
    live = PolicyVersion.objects.filter(policy__workspace_id=workspace_id, policy__slug=slug, is_live=True)
    return live.select_related("policy")


_LIVE = Question(live_versions)


def live_document(*, workspace_id: str, slug: str) -> tuple[Document, PolicyVersion]:
    """The live version, read from the database each time (P9). Raises PolicyMissing or PolicyError."""
    return read_live(_LIVE.first(workspace_id, slug), slug)


def read_live(version: PolicyVersion | None, slug: str) -> tuple[Document, PolicyVersion]:
    """The document of what was found as a policy's live version. Raises PolicyMissing or PolicyError."""
    if version is None:
        raise PolicyMissing(f"There is no live policy {slug} in this workspace.")
    return parsed(version.digest, version.source), version


def live_version(policy: Policy) -> PolicyVersion | None:
    """The version in force, or None for a policy that was never published."""
    return policy.versions.filter(is_live=True).first()


def document_of(policy: Policy, source: str) -> Document:
    """A text as a document of this policy. Raises PolicyError, also when it carries the slug of another policy."""
    document = load(source)
    if document.slug != policy.slug:
        message = f"The slug cannot change, because agents name it. Write {policy.slug}."
        raise PolicyError((read(source).problem(("policy", "slug"), message),))
    if len(document.name) > NAME_MOST:
        message = f"The name has more than {NAME_MOST} characters. Shorten it."
        raise PolicyError((read(source).problem(("policy", "name"), message),))
    return document
