"""Whether an edited CEL expression certainly allows no more. Certain means: every part it had still stands.

A `require` passes only when every part joined by `&&` is true, so one part more can only refuse more. A `forbid` passes
only when every part joined by `||` is false. Nothing else is claimed: every other edit counts as unknown.
"""

from collections.abc import Iterator

from policies.engine.celtree import Node, NotParsed, parse


def relation(old: str, new: str, *, joined_by: str) -> str:
    """`same`, `stricter` or `unknown`. `joined_by` is && where all parts must be true, || where all must be false."""
    if old == new:
        return "same"
    try:
        kept, now = (frozenset(_parts(parse(source), joined_by)) for source in (old, new))
    except NotParsed:
        return "unknown"
    if kept == now:
        return "same"
    return "stricter" if kept < now else "unknown"


def _parts(node: Node, joined_by: str) -> Iterator[Node]:
    if node.kind == "binary" and node.name == joined_by:
        for side in node.args:
            if side is not None:
                yield from _parts(side, joined_by)
    else:
        yield node
