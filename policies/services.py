"""What other parts use of policies: the live document, and publishing as a trusted operator."""

from django.db import transaction

from accounts.actors import Actor
from accounts.models import Workspace
from policies.documents import PolicyMissing, live_document, live_versions, parsed, read_live
from policies.drafts import check_length
from policies.engine.document import load
from policies.gates import require_gates
from policies.models import Policy, PolicyVersion
from policies.versions import Publication, difference, lock_policy, write_version
from policies.waivers import grants

__all__ = ["PolicyMissing", "live_document", "live_versions", "parsed", "publish_version", "read_live"]


def publish_version(*, actor: Actor, workspace: Workspace, source: str, message: str) -> PolicyVersion:
    """Publish a document as the next live version, as an operator at the shell does: every gate, no second person.

    Whoever has the shell could write to the database, so a second person would be theatre; the ledger says how it went live.
    Raises PolicyError for a document that does not load, GatesUnmet for any other gate, PolicyRefused for too long a message,
    ValueError for a person or an agent: people publish by `policies.publishing`. Then nothing is published.
    """
    if actor.kind != "system":
        raise ValueError("Only the operator publishes without a second person. People use policies.publishing.")
    document = load(source)
    with transaction.atomic():
        policy, _ = Policy.objects.get_or_create(
            workspace=workspace, slug=document.slug, defaults={"name": document.name}
        )
        policy = lock_policy(policy.pk)
        document = require_gates(policy, source, granted=grants(policy, actor))
        by = {"kind": actor.kind, "id": actor.id, "name": actor.name}
        publication = Publication(
            source=source,
            document=document,
            message=check_length("message", message),
            published_by=by,
            how="from the command line",
        )
        return write_version(actor=actor, policy=policy, diff=difference(policy, document), publication=publication)
