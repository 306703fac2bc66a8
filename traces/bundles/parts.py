"""The lines of a bundle, as `verify/remit_verify.py` reads them. Everything here is as registered: nothing newer is exported."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from traces.checkpoints.tree import consistency_proof, frontier
from traces.models import Checkpoint, Entry, Leaf, Log, WithheldValue
from verify.remit_verify import plain

CHUNK = 2000
PROOFS = 64


@dataclass(frozen=True, slots=True)
class Part:
    """One log up to one checkpoint. `traces` narrows it to some traces; `start` is then their first leaf."""

    log: Log
    point: Checkpoint
    traces: frozenset[str] | None = None
    start: int = 0
    since: tuple[int, ...] = ()

    def heads(self) -> list[tuple[str, int]]:
        """The registered head of every trace in it, by trace id."""
        leaves = Leaf.objects.filter(log=self.log, index__lt=self.point.size)
        if self.traces is not None:
            leaves = leaves.filter(subject__in=self.traces)
        return list(leaves.order_by("subject", "-seq").distinct("subject").values_list("subject", "seq"))


def part_of(log: Log, point: Checkpoint, traces: Collection[str] | None, since: Iterable[int] = ()) -> Part:
    """A log up to a checkpoint; with `traces`, from the first leaf of any of them."""
    if traces is None:
        return Part(log, point)
    first = Leaf.objects.filter(log=log, subject__in=traces).order_by("index").values_list("index", flat=True).first()
    start = point.size if first is None else first
    sizes = Checkpoint.objects.filter(log=log, size__gt=0, size__lt=start).order_by("-size")
    known = list(sizes.values_list("size", flat=True).distinct()[:PROOFS])
    wanted = {size for size in (*known, *since) if 0 < size < start}
    return Part(log, point, frozenset(traces), start, tuple(sorted(wanted)))


def entry_rows(part: Part) -> Iterator[tuple[str, str]]:
    """`(canonical, hash)` of every covered entry, by trace and seq."""
    heads = part.heads()
    for at in range(0, len(heads), CHUNK):
        some = dict(heads[at : at + CHUNK])
        found = Entry.objects.filter(trace_id__in=some).order_by("trace_id", "seq")
        rows = found.values_list("trace_id", "seq", "canonical", "hash").iterator(chunk_size=CHUNK)
        yield from ((canonical, digest) for trace, seq, canonical, digest in rows if seq <= some[trace])


def entry_lines(part: Part) -> Iterator[str]:
    """entries.jsonl."""
    workspace = part.log.workspace_id
    for canonical, digest in entry_rows(part):
        yield plain({"canonical": canonical, "hash": digest, "workspace": workspace})


def tree_rows(part: Part) -> Iterator[dict[str, object]]:
    """tree.jsonl: the beginning as a frontier, then every leaf. Leaves of other traces stay nameless. Raises LookupError."""
    proofs = {str(size): [step.hex() for step in consistency_proof(part.log, size, part.start)] for size in part.since}
    yield {
        "consistency": proofs, "frontier": frontier(part.log, part.start), "log": part.log.origin, "start": part.start,
    }  # fmt: skip
    leaves = Leaf.objects.filter(log=part.log, index__gte=part.start, index__lt=part.point.size).order_by("index")
    for index, text, subject in leaves.values_list("index", "text", "subject").iterator(chunk_size=CHUNK):
        name = subject if part.traces is None or subject in part.traces else ""
        yield {"index": index, "leaf": text, "log": part.log.origin, "name": name}


def notes(part: Part) -> Iterator[str]:
    """checkpoints.txt: a dense run that ends at this part's checkpoint."""
    run = Checkpoint.objects.filter(log=part.log, number__lte=part.point.number).order_by("number")
    if part.traces is not None:
        run = run.filter(size__gt=part.start) if part.point.size > part.start else run.filter(number=part.point.number)
    yield from run.values_list("note", flat=True).iterator(chunk_size=CHUNK)


def withheld_lines(part: Part) -> Iterator[str]:
    """withheld.jsonl: values that still exist, with their salts."""
    heads = dict(part.heads())
    values = WithheldValue.objects.filter(entry__trace__workspace_id=part.log.workspace_id)
    if part.traces is not None:
        values = values.filter(entry__trace_id__in=part.traces)
    rows = values.order_by("entry__trace_id", "entry__seq", "pk").values_list(
        "entry__trace_id", "entry__seq", "commitment", "kind", "salt", "value"
    )
    for trace, seq, commitment, kind, salt, value in rows.iterator(chunk_size=CHUNK):
        if seq <= heads.get(trace, 0):
            yield plain(
                {"commitment": commitment, "kind": kind, "salt": salt, "seq": seq, "trace": trace, "value": value}
            )
