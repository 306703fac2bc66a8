"""Moves a witness aside that no longer fits this database, such as after a restore. An operator's act, in every ledger.

What the witness held stays where it is, under another name: it is evidence of what this database lacks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction

from accounts.actors import Actor
from accounts.clock import database_now
from accounts.models import Workspace
from traces.checkpoints.errors import LedgerBroken
from traces.checkpoints.registry import deployment
from traces.checkpoints.witness import Folder, keepers
from traces.models import Delivery, Log
from traces.services import record_governance

MIN_REASON = 10


class ForgetRefused(Exception):
    """Nothing was moved; the message says why."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The witness, and where what it held lies now; "" for one that keeps nothing or kept nothing of this deployment."""

    witness: str
    moved_to: str


def forget_witness(*, actor: Actor, name: str, reason: str) -> Forgotten:
    """Start again with a witness: it is told from the next checkpoint on, and is no longer asked about older ones.

    Raises ForgetRefused for a witness nobody knows, without a reason, or when its folder cannot be moved.
    """
    said = reason.replace("\x00", "").strip()
    if len(said) < MIN_REASON:
        raise ForgetRefused(f"Say why in at least {MIN_REASON} characters. It stands in every workspace's ledger.")
    keeper = next((one for one in keepers() if one.name == name), None)
    told = Delivery.objects.filter(witness=name)
    if keeper is None and not told.exists():
        known = ", ".join(sorted({*settings.REMIT_WITNESS, *Delivery.objects.values_list("witness", flat=True)}))
        raise ForgetRefused(f"There is no witness {name}. Known: {known or 'none'}.")
    home = keeper.path.joinpath(*deployment().split("/")) if keeper else None
    aside = _aside(home) if home is not None and home.exists() else None
    with transaction.atomic():
        _ledger(actor, name, said, _held(keeper) if aside else {}, str(aside or ""))
        told.delete()
        if home is not None and aside is not None:
            _move(home, aside)  # Last: a folder that cannot be moved takes everything back.
    return Forgotten(name, str(aside or ""))


def _aside(home: Path) -> Path:
    return home.with_name(f"{home.name}.forgotten-{database_now():%Y%m%dT%H%M%S.%fZ}")


def _held(keeper: Folder | None) -> Mapping[str, str]:
    """Workspace -> the newest checkpoint the witness holds of it, as words; one that cannot be read is said to be so."""
    found = {}
    for log in Log.objects.filter(workspace__isnull=False) if keeper else ():
        try:
            point = keeper.latest(log.origin) if keeper else None
            found[str(log.workspace_id)] = f"checkpoint {point.number}" if point else "nothing"
        except LedgerBroken as error:
            found[str(log.workspace_id)] = str(error)
    return found


def _ledger(actor: Actor, name: str, reason: str, held: Mapping[str, str], moved_to: str) -> None:
    for workspace_id in Workspace.objects.order_by("pk").values_list("pk", flat=True):
        body = {
            "witness": name,
            "reason": reason[:500],
            "held": held.get(workspace_id, "nothing"),
            "moved_to": moved_to,
        }
        record_governance(actor=actor, workspace_id=workspace_id, type="witness.forgotten", body=body)


def _move(home: Path, aside: Path) -> None:
    try:
        home.rename(aside)
    except OSError as error:
        raise ForgetRefused(f"{home} cannot be moved: {error.strerror}. Nothing was changed.") from error
