"""A log's stored Merkle tree (RFC 9162): extends it, and reads proofs from whole subtrees, never from all leaves."""

from collections.abc import Iterable, Sequence

from traces.models import Leaf, Log, TreeNode
from verify.remit_verify import EMPTY, Growing, leaf_hash, node_hash

Place = tuple[int, int]


def peaks(low: int, high: int) -> list[Place]:
    """The whole subtrees that make up leaves `low` to `high`, as (level, index), from the left."""
    found = []
    while low < high:
        level = (high - low).bit_length() - 1
        found.append((level, low >> level))
        low += 1 << level
    return found


def growing(log: Log, size: int) -> Growing:
    """The stored tree at a size, ready to grow. Raises LookupError when a node is missing."""
    places = peaks(0, size)
    stored = _fetch(log, places)
    return Growing(size, [stored[place] for place in places])


def extend(log: Log, tree: Growing, texts: Iterable[str]) -> None:
    """Add leaves; store the subtrees they complete."""
    nodes = []
    for text in texts:
        index = tree.size
        made = tree.add(leaf_hash(text))
        nodes += [TreeNode(log=log, level=level, index=index >> level, hash=digest.hex()) for level, digest in made]
    TreeNode.objects.bulk_create(nodes, batch_size=2000)


def frontier(log: Log, size: int) -> list[str]:
    """Hashes of the whole subtrees of the first `size` leaves, from the left."""
    return [peak.hex() for _, peak in growing(log, size).peaks]


def inclusion_path(log: Log, index: int, size: int) -> list[bytes]:
    """RFC 9162 2.1.3.1. Raises LookupError."""
    ranges, low, high = [], 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        ranges.append((middle, high) if index < middle else (low, middle))
        low, high = (low, middle) if index < middle else (middle, high)
    return _roots(log, list(reversed(ranges)))


def consistency_proof(log: Log, first: int, second: int) -> list[bytes]:
    """RFC 9162 2.1.4.1. Raises LookupError."""
    if not 0 < first < second:
        return []
    ranges, low, high, whole = [], 0, second, True
    while first != high:
        middle = low + _split(high - low)
        if first <= middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low, whole = middle, False
    if not whole:
        ranges.append((low, high))
    return _roots(log, list(reversed(ranges)))


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)


def _roots(log: Log, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
    """The root of each range, all read at once."""
    places = [peaks(low, high) for low, high in ranges]
    stored = _fetch(log, [place for some in places for place in some])
    return [_folded([stored[place] for place in some]) for some in places]


def _folded(hashes: Sequence[bytes]) -> bytes:
    if not hashes:
        return EMPTY
    found = hashes[-1]
    for left in reversed(hashes[:-1]):
        found = node_hash(left, found)
    return found


def _fetch(log: Log, places: Sequence[Place]) -> dict[Place, bytes]:
    leaves = Leaf.objects.filter(log=log, index__in=[index for level, index in places if level == 0])
    found: dict[Place, bytes] = {(0, index): leaf_hash(text) for index, text in leaves.values_list("index", "text")}
    wanted = [place for place in places if place[0]]
    if wanted:
        nodes = TreeNode.objects.filter(
            log=log, level__in={level for level, _ in wanted}, index__in={index for _, index in wanted}
        )
        found |= {(level, index): bytes.fromhex(h) for level, index, h in nodes.values_list("level", "index", "hash")}
    missing = [place for place in places if place not in found]
    if missing:
        raise LookupError(f"The stored tree of {log.origin} lacks {missing[0]}.")
    return found
