"""The exports of one trace, with the proof that they were signed: its entries as hashed (docs/trace.schema.json), or what
kind of entry stood where and when, and nothing of what they say (docs/outline.schema.json).
"""

import hashlib
from collections.abc import Callable
from typing import Any

from django.db import transaction

from accounts.clock import database_now
from traces.bundles.parts import Part, entry_rows, notes, part_of, tree_rows
from traces.bundles.write import manifest
from traces.canonical import instant
from traces.checkpoints.errors import CheckpointFailed
from traces.checkpoints.keys import public_rows
from traces.checkpoints.registry import latest, log_of
from traces.checkpoints.take import checkpoint_workspace
from traces.models import Checkpoint, Entry, Leaf, Trace
from verify.remit_verify import OUTLINE, OUTLINE_SAYS, plain
from verify.remit_verify import TRACE as SCHEMA

# Beyond this many later leaves the proof is too long for one document; a folder bundle carries it (`remit_export`).
MOST_LEAVES = 20_000
CHECK = (
    "For each entry: hash = SHA-256 of canonical (UTF-8), prev in it = hash of the entry before, seq counts from 1, "
    "and the last hash is head.hash. A value {$withheld, commitment} stands for SHA-256 of salt and value."
)
VERIFY = " `python remit_verify.py THIS.json [--anchor FILE]` checks all of it, and the signed proof, offline."


def bundle(trace: Trace) -> dict[str, Any]:
    """A self-contained bundle. Sensitive leaves are salted commitments; their values are not in it.

    Signs a checkpoint when the trace has moved since the last. Where none can be signed, the bundle has no `proof` and says why.
    """
    return _proven(trace, SCHEMA, _plain_bundle, _covered_bundle)


def outline(trace: Trace) -> dict[str, Any]:
    """The redacted bundle: place, time and kind of every record, and the proof that there are exactly these.

    INVARIANT: neither what a record says nor the hash of a single record is in it, for who knows the rest of a record could
    try what it says against its hash. Heads that the tree registered are. Held by tests/traces/test_outline.py.
    """
    return _proven(trace, OUTLINE, _plain_outline, _covered_outline)


def listing(trace_id: str, upto: int) -> list[dict[str, Any]]:
    """Place, time and kind of a trace's records up to one."""
    found = Entry.objects.filter(trace_id=trace_id, seq__lte=upto).order_by("seq").values("seq", "at", "type")
    return [{**entry, "at": instant(entry["at"])} for entry in found]


Covered = Callable[[Trace, Part, Leaf], dict[str, Any]]


def _proven(trace: Trace, schema: str, plainly: Callable[[Trace], dict[str, Any]], covered: Covered) -> dict[str, Any]:
    """A document of what one checkpoint covers, with its proof; without one where none can be signed, saying why."""
    try:
        point = _covering(trace)
    except CheckpointFailed as error:
        return plainly(trace) | {"unproven": str(error)}
    part = part_of(log_of(trace.workspace_id), point, [trace.pk])
    if point.size - part.start > MOST_LEAVES:
        return plainly(trace) | {"unproven": "The proof is long: export a folder with `manage.py remit_export`."}
    leaf = Leaf.objects.filter(log=part.log, subject=trace.pk, index__lt=point.size).latest("seq")
    made = covered(trace, part, leaf)
    made["proof"] = {"checkpoint": "\n".join(notes(part)), "keys": public_rows(), "tree": list(tree_rows(part))}
    text = plain(made).encode("utf-8")
    line = f"file trace.json {len(text)} {hashlib.sha256(text).hexdigest()}"
    made["proof"]["manifest"] = manifest(schema, f"traces {trace.workspace_id}", [trace.pk], [line])
    return made


def _covered_bundle(trace: Trace, part: Part, leaf: Leaf) -> dict[str, Any]:
    entries = [{"canonical": canonical, "hash": digest} for canonical, digest in entry_rows(part)]
    made = _document(trace, entries, leaf.seq, leaf.head)
    made["check"] += VERIFY
    return made


def _covered_outline(trace: Trace, part: Part, leaf: Leaf) -> dict[str, Any]:
    return _outlined(trace, leaf.seq, leaf.head)


def _plain_outline(trace: Trace) -> dict[str, Any]:
    head = Trace.objects.get(pk=trace.pk)
    return _outlined(head, head.head_seq, head.head_hash)


def _outlined(trace: Trace, seq: int, digest: str) -> dict[str, Any]:
    return {
        "schema": OUTLINE,
        "trace": trace.pk,
        "workspace": {"id": trace.workspace_id},
        "exported_at": instant(database_now()),
        "head": {"seq": seq, "hash": digest},
        "entries": listing(trace.pk, seq),
        "check": OUTLINE_SAYS,
    }


def _covering(trace: Trace) -> Checkpoint:
    """A checkpoint that covers the trace's present head."""
    log = log_of(trace.workspace_id)
    point, now = latest(log), Trace.objects.get(pk=trace.pk)
    if point is not None and Leaf.objects.filter(log=log, subject=trace.pk, head=now.head_hash).exists():
        return point
    return checkpoint_workspace(trace.workspace_id)


def _plain_bundle(trace: Trace) -> dict[str, Any]:
    with transaction.atomic():
        head = Trace.objects.select_for_update(of=("self",)).get(pk=trace.pk)
        entries = list(Entry.objects.filter(trace=head).order_by("seq"))
    return _document(
        trace, [{"canonical": entry.canonical, "hash": entry.hash} for entry in entries], head.head_seq, head.head_hash
    )


def _document(trace: Trace, entries: list[dict[str, str]], seq: int, digest: str) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "trace": trace.pk,
        "workspace": {"id": trace.workspace_id, "name": trace.workspace.name},
        "exported_at": instant(database_now()),
        "head": {"seq": seq, "hash": digest},
        "entries": entries,
        "check": CHECK,
    }
