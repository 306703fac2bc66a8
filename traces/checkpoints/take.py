"""Takes a checkpoint of one log: proves what is there, registers new heads, signs. One transaction under the log's lock.

INVARIANT: a checkpoint only ever extends the last one: restart or restore never starts again from a shorter head (R-40). Held
by tests/traces/test_checkpoints.py.
"""

import base64
import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import transaction

from accounts.clock import database_now
from traces.canonical import instant
from traces.checkpoints.errors import CheckpointFailed, LedgerBroken
from traces.checkpoints.keys import public_keys, signer
from traces.checkpoints.registry import Head, latest, log_of, new_trace_heads, new_workspace_heads, registry_log
from traces.checkpoints.tree import extend, growing
from traces.checkpoints.witness import keepers
from traces.models import GENESIS, Checkpoint, Leaf, Log
from verify.remit_verify import EMPTY, Bad, Growing, checkpoint_of, read_notes

logger = logging.getLogger("remit.ledger")


def checkpoint_workspace(workspace_id: str) -> Checkpoint:
    """Register every head of a workspace as it is now and sign. Raises CheckpointFailed; the log then says why."""
    return _taken(log_of(workspace_id), new_trace_heads, _registry_line)


def checkpoint_registry() -> Checkpoint:
    """Register the latest tree of every workspace and sign. Raises CheckpointFailed; the registry then says why."""
    return _taken(registry_log(), new_workspace_heads, lambda: "")


def _taken(log: Log, heads_of: Callable[[Log], list[Head]], more: Callable[[], str]) -> Checkpoint:
    try:
        with transaction.atomic():
            locked = Log.objects.select_for_update(of=("self",)).get(pk=log.pk)
            last = latest(locked)
            tree = _sound_tree(locked, last)
            point = _sign(locked, last, tree, heads_of(locked), more())
            Log.objects.filter(pk=locked.pk).update(problem="", problem_at=None, signed_at=database_now())
            return point
    except CheckpointFailed as error:
        _remember(log, str(error))
        raise


def _remember(log: Log, sentence: str) -> None:
    fresh = not Log.objects.filter(pk=log.pk, problem=sentence).exists()
    Log.objects.filter(pk=log.pk).update(problem=sentence, problem_at=database_now())
    if fresh:
        logger.error("No checkpoint of %s: %s", log.origin, sentence)


def _sound_tree(log: Log, last: Checkpoint | None) -> Growing:
    """The stored tree, proven to be the one last signed and not behind any witness. Raises LedgerBroken."""
    _check_keepers(log, last)
    size = last.size if last else 0
    if Leaf.objects.filter(log=log).count() != size:
        raise LedgerBroken(f"{log.origin} has other leaves than the {size} of its last checkpoint.")
    try:
        tree = growing(log, size)
        if last is not None:
            _check_last(last, tree)
    except (Bad, LookupError) as error:
        raise LedgerBroken(str(error)) from error
    return tree


def _check_last(last: Checkpoint, tree: Growing) -> None:
    note = checkpoint_of(read_notes(last.note, f"Checkpoint {last.number}")[0])
    public_keys().signer(note.note, note.time, note.name)
    if (note.number, note.size, note.root) != (last.number, last.size, tree.root()) or tree.root().hex() != last.root:
        raise LedgerBroken(f"{note.name} is not what the stored tree makes.")


def _check_keepers(log: Log, last: Checkpoint | None) -> None:
    for witness in keepers():
        held = witness.latest(log.origin)
        if held is None:
            continue
        if last is None or held.number > last.number:
            raise LedgerBroken(
                f"{witness.name} holds checkpoint {held.number} of {log.origin}, but this database ends at "
                f"{last.number if last else 0}: it was restored or cut. See docs/ledger.md."
            )
        own = Checkpoint.objects.filter(log=log, number=held.number).values_list("note", flat=True).first()
        if own != held.note.text:
            raise LedgerBroken(f"{witness.name} holds another checkpoint {held.number} of {log.origin}.")


def _sign(log: Log, last: Checkpoint | None, tree: Growing, heads: Sequence[Head], more: str) -> Checkpoint:
    Leaf.objects.bulk_create(
        (
            Leaf(log=log, index=tree.size + place, subject=head.subject, seq=head.seq, head=head.head, text=head.text)
            for place, head in enumerate(heads)
        ),
        batch_size=2000,
    )
    extend(log, tree, (head.text for head in heads))
    key = signer()
    at = _time(last, key.row.created_at)
    number = last.number + 1 if last else 1
    entries = (last.entries if last else 0) + sum(head.grown for head in heads)
    previous = read_notes(last.note, "last")[0].digest if last else GENESIS
    body = (
        f"{log.origin}\n{tree.size}\n{base64.b64encode(tree.root()).decode()}\nnumber {number}\ntime {instant(at)}\n"
        f"previous {previous}\nentries {entries}\n{more}"
    )
    return Checkpoint.objects.create(
        log=log, number=number, size=tree.size, root=tree.root().hex(), entries=entries, at=at, key=key.row,
        note=key.note(body),
    )  # fmt: skip


def _time(last: Checkpoint | None, key_from: datetime) -> datetime:
    """The database's clock, but never before the last checkpoint or the key: a clock that steps back does not turn the chain."""
    now = max(database_now(), key_from)
    return max(now, last.at) if last else now


def _registry_line() -> str:
    """Every workspace's checkpoint also says what the registry was: any one old checkpoint holds all workspaces."""
    last = latest(registry_log())
    root = bytes.fromhex(last.root) if last else EMPTY
    return f"registry {last.size if last else 0} {base64.b64encode(root).decode()}\n"
