"""The key that signs verdicts. Only the console's processes can open it: a worker or an agent runtime verifies alone (B-03).

Made at first use, sealed under REMIT_APPROVAL_SECRET and nothing else, named in each workspace's governance chain before its
first signature there.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.actors import Actor
from accounts.clock import database_now
from accounts.models import Workspace
from accounts.sealing import SealBroken, seal_for, unseal_for
from approvals.models import ApprovalKey
from traces.canonical import canonical_bytes
from traces.models import Entry
from traces.services import record_governance

PURPOSE = "approval signing keys"
ENTRY = "approval_key.used"


class ApprovalSignerMissing(Exception):
    """This process cannot sign verdicts."""


@dataclass(frozen=True, slots=True)
class Signed:
    """The public key and its signature over a statement's RFC 8785 bytes, both base64."""

    key: str
    signature: str


def sign(*, actor: Actor, workspace_id: str, statement: Mapping[str, Any]) -> Signed:
    """Sign what a person decided. Runs inside the verdict's transaction. Raises ApprovalSignerMissing."""
    row, private = _signer()
    _make_known(actor, workspace_id, row)
    return Signed(row.public, base64.b64encode(private.sign(canonical_bytes(statement))).decode("ascii"))


def signature_holds(statement: Mapping[str, Any], key: str, signature: str) -> bool:
    """Whether a key of this installation signed exactly this statement. Needs no secret.

    INVARIANT: a key that is not registered, or not among REMIT_APPROVAL_KEYS where that is set, proves nothing. Held by
    tests/stepup/test_signed_verdicts.py.
    """
    pinned = settings.REMIT_APPROVAL_KEYS
    if (pinned and key not in pinned) or not ApprovalKey.objects.filter(public=key).exists():
        return False
    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True))
        public.verify(base64.b64decode(signature, validate=True), canonical_bytes(statement))
    except (InvalidSignature, ValueError):
        return False
    return True


def rotate_approval_key(*, actor: Actor, reason: str) -> ApprovalKey:
    """Put a new key in use; verdicts signed by earlier ones still hold. Recorded in every workspace's governance chain.

    Raises ApprovalSignerMissing without a secret.
    """
    with transaction.atomic():
        newest = ApprovalKey.objects.select_for_update().order_by("-number").first()
        made = _made(newest.number + 1 if newest else 1)
        body = {"number": made.number, "public": made.public, "reason": reason[:500]}
        for workspace_id in Workspace.objects.order_by("pk").values_list("pk", flat=True):
            record_governance(actor=actor, workspace_id=workspace_id, type="approval_key.rotated", body=body)
    return made


def _signer() -> tuple[ApprovalKey, Ed25519PrivateKey]:
    row = ApprovalKey.objects.order_by("-number").first() or _first()
    try:
        private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(unseal_for(PURPOSE, row.sealed, _secrets())))
    except (SealBroken, ValueError) as error:
        raise ApprovalSignerMissing(
            f"Approval key {row.number} cannot be opened here, so no approval is signed."
        ) from error
    if _public(private) != row.public:
        raise ApprovalSignerMissing(f"Approval key {row.number} is not the key it is registered as.")
    return row, private


def _secrets() -> list[str]:
    """Newest first. Never the installation's own key: every process has that one."""
    found: list[str] = settings.REMIT_APPROVAL_SECRETS
    if not found:
        raise ApprovalSignerMissing("REMIT_APPROVAL_SECRET is not set here, so no approval can be signed.")
    return found


def _first() -> ApprovalKey:
    try:
        with transaction.atomic():
            return _made(1)
    except IntegrityError:
        return ApprovalKey.objects.get(number=1)  # Another process made it meanwhile.


def _made(number: int) -> ApprovalKey:
    private = Ed25519PrivateKey.generate()
    seed = base64.b64encode(private.private_bytes_raw()).decode("ascii")
    sealed = seal_for(PURPOSE, seed, _secrets())
    return ApprovalKey.objects.create(number=number, public=_public(private), sealed=sealed, created_at=database_now())


def _public(private: Ed25519PrivateKey) -> str:
    return base64.b64encode(private.public_key().public_bytes_raw()).decode("ascii")


def _make_known(actor: Actor, workspace_id: str, row: ApprovalKey) -> None:
    """Once a workspace and key: strangers learn the key from the governance chain, not from the verdict it signed."""
    told = Entry.objects.filter(trace__workspace=workspace_id, type=ENTRY, canonical__contains=row.public)
    if not told.exists():
        body = {"number": row.number, "public": row.public}
        record_governance(actor=actor, workspace_id=workspace_id, type=ENTRY, body=body)
