"""What the trace page and single-trace exports prove: that a trace's head stands under a signed checkpoint.

Checked with the functions of the stranger's verifier, so that the page cannot say more than a stranger would find.
"""

from dataclasses import dataclass
from datetime import datetime

from traces.checkpoints.keys import public_keys
from traces.checkpoints.registry import latest
from traces.checkpoints.tree import inclusion_path
from traces.models import Checkpoint, Entry, Leaf, Log, Trace
from verify.remit_verify import HEAD, Bad, checkpoint_of, inclusion_holds, leaf_hash, read_notes, sha_hex


@dataclass(frozen=True, slots=True)
class Inclusion:
    """`state` is verified, waiting (no checkpoint has this trace yet) or broken. `newer` records wait for the next one."""

    state: str
    sentence: str
    number: int | None = None
    at: datetime | None = None
    key: int | None = None
    key_text: str = ""
    records: int = 0
    newer: int = 0
    expected: str = ""
    found: str = ""


def proof_of(trace: Trace) -> Inclusion:
    """Verify this trace's registered head against the workspace's last checkpoint, now. Raises nothing for a broken proof."""
    log = Log.objects.filter(workspace_id=trace.workspace_id).first()
    point = latest(log) if log else None
    leaf = Leaf.objects.filter(log=log, subject=trace.pk).order_by("-seq").first() if log else None
    if log is None or point is None or leaf is None:
        return Inclusion("waiting", "Not under a checkpoint yet. The next one covers it.")
    entry = Entry.objects.filter(trace=trace, seq=leaf.seq).values_list("hash", flat=True).first()
    if entry != leaf.head:
        sentence = f"Record {leaf.seq} is not the one that checkpoint {point.number} covers."
        return Inclusion(
            "broken", sentence, point.number, records=leaf.seq, expected=leaf.head, found=entry or "nothing"
        )
    return _checked(log, point, leaf, trace)


def _checked(log: Log, point: Checkpoint, leaf: Leaf, trace: Trace) -> Inclusion:
    try:
        note = checkpoint_of(read_notes(point.note, f"Checkpoint {point.number}")[0])
        key = public_keys().signer(note.note, note.time, note.name)
        path = inclusion_path(log, leaf.index, note.size)
    except (Bad, LookupError) as error:
        return Inclusion("broken", str(error), point.number, records=leaf.seq)
    stands = HEAD.fullmatch(leaf.text)
    same = stands is not None and stands.groups() == (sha_hex(trace.pk), str(leaf.seq), leaf.head)
    if not same or not inclusion_holds(leaf_hash(leaf.text), leaf.index, note.size, path, note.root):
        sentence = f"Leaf {leaf.index} does not stand under checkpoint {note.number}."
        return Inclusion("broken", sentence, note.number, records=leaf.seq, expected=note.root.hex())
    newer = max(trace.head_seq - leaf.seq, 0)
    return Inclusion(
        "verified", f"Leaf {leaf.index + 1} of {note.size} under checkpoint {note.number}.", note.number, point.at, key,
        point.key.public, leaf.seq, newer,
    )  # fmt: skip
