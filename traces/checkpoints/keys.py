"""The deployment's Ed25519 signing keys: made at first use, sealed at rest, each endorsed by the one before it."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import IntegrityError, connection, transaction
from django.db.models import Max

from accounts.actors import Actor
from accounts.clock import database_now
from accounts.models import Workspace
from accounts.sealing import SealBroken, seal_for, unseal_for
from traces.canonical import instant
from traces.checkpoints.errors import SignerMissing
from traces.models import Checkpoint, SigningKey
from traces.services import record_governance
from verify.remit_verify import Keys, key_id

PURPOSE = "ledger signing keys"


@dataclass(frozen=True, slots=True)
class Signer:
    """The newest key, opened in memory."""

    row: SigningKey
    private: Ed25519PrivateKey

    def note(self, body: str) -> str:
        """`body` as a C2SP signed note, in the name of its first line."""
        name = body.partition("\n")[0]
        signature = self.private.sign(body.encode("utf-8"))
        marked = base64.b64encode(key_id(name, base64.b64decode(self.row.public)) + signature).decode("ascii")
        return f"{body}\n\u2014 {name} {marked}\n"


def signer() -> Signer:
    """The key in use, made at first use; it stays in use until this transaction ends. Raises SignerMissing."""
    _hold("pg_advisory_xact_lock_shared")
    row = SigningKey.objects.order_by("-number").first() or _first()
    try:
        seed = base64.b64decode(unseal_for(PURPOSE, row.sealed))
        private = Ed25519PrivateKey.from_private_bytes(seed)
    except (SealBroken, ValueError) as error:
        raise SignerMissing(f"Signing key {row.number} cannot be opened, so no checkpoint is signed.") from error
    if _public(private) != row.public:
        raise SignerMissing(f"Signing key {row.number} is not the key it is registered as.")
    return Signer(row, private)


def _hold(how: str) -> None:
    """A signature and a rotation never overlap: no time is signed by a key that was not in use then."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {how}(hashtext('remit signing key'))")


def sign_now(text: Callable[[str], str]) -> str:
    """A note of `text(instant)`, signed now. Raises SignerMissing."""
    with transaction.atomic():
        key = signer()
        return key.note(text(instant(max(database_now(), key.row.created_at))))


def _first() -> SigningKey:
    try:
        with transaction.atomic():
            return _made(1, "", database_now())
    except IntegrityError:
        return SigningKey.objects.get(number=1)  # Another process made it meanwhile.


def _made(number: int, deployment: str, now: datetime, older: Signer | None = None) -> SigningKey:
    private = Ed25519PrivateKey.generate()
    public = _public(private)
    body = f"{deployment}/keys\nkey {number}\npublic {public}\nfrom {instant(now)}\n"
    return SigningKey.objects.create(
        number=number, public=public, sealed=_sealed(private), created_at=now,
        endorsement=older.note(body) if older else "",
    )  # fmt: skip


def _public(private: Ed25519PrivateKey) -> str:
    return base64.b64encode(private.public_key().public_bytes_raw()).decode("ascii")


def _sealed(private: Ed25519PrivateKey) -> str:
    return seal_for(PURPOSE, base64.b64encode(private.private_bytes_raw()).decode("ascii"))


def rotate_key(*, actor: Actor, deployment: str, reason: str, lost: bool = False) -> SigningKey:
    """Put a new key in use, endorsed by the present one; recorded in every workspace's governance chain.

    With `lost` the present key is gone, so nothing endorses the new one: strangers must be told it by another way. Raises
    SignerMissing otherwise when the present key cannot be opened.
    """
    with transaction.atomic():
        _hold("pg_advisory_xact_lock")
        latest = SigningKey.objects.order_by("-number").first()
        # Not before anything signed so far, whatever the clock did.
        last = Checkpoint.objects.aggregate(at=Max("at"))["at"]
        now = max(filter(None, [database_now(), last, latest and latest.created_at]))
        if latest is None:
            return _made(1, deployment, now)
        made = _made(latest.number + 1, deployment, now, None if lost else signer())
        body = {"number": made.number, "public": made.public, "endorsed": not lost, "reason": reason[:500]}
        for workspace_id in Workspace.objects.order_by("pk").values_list("pk", flat=True):
            record_governance(actor=actor, workspace_id=workspace_id, type="signing_key.rotated", body=body)
    return made


def reseal_keys() -> int:
    """Seal every private key again under the newest installation key. Raises SealBroken. Gives how many."""
    with transaction.atomic():
        rows = list(SigningKey.objects.select_for_update())
        for row in rows:
            row.sealed = seal_for(PURPOSE, unseal_for(PURPOSE, row.sealed))
            row.save(update_fields=["sealed"])
    return len(rows)


def public_rows() -> list[dict[str, Any]]:
    """The key history as bundles carry it."""
    keys = list(SigningKey.objects.order_by("number"))
    ends: list[str | None] = [*(instant(key.created_at) for key in keys[1:]), None]
    return [
        {"number": key.number, "public": key.public, "from": instant(key.created_at), "until": end,
         "endorsement": key.endorsement or None}
        for key, end in zip(keys, ends, strict=True)
    ]  # fmt: skip


def public_keys() -> Keys:
    """The same, to check signatures with. Raises Bad when there is none."""
    return Keys(public_rows())
