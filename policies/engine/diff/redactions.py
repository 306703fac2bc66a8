"""Compares what is kept out of the ledger, reviews and exports. A path covers everything under it."""

from collections.abc import Iterator, Mapping
from typing import Any

from policies.engine.diff.model import LOOSENS, NEUTRAL, TIGHTENS, Change
from policies.engine.paths import covering

_WHY = {
    TIGHTENS: "Its value is no longer shown.",
    LOOSENS: "Its value is shown now.",
    NEUTRAL: "The value stays hidden; only the word in its place, or the path that says so, differs.",
}


def compare_redactions(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """Every change of every resource type."""
    before, after = old.get("redact") or {}, new.get("redact") or {}
    for kind in sorted({*before, *after}):
        was, now = before.get(kind) or {}, after.get(kind) or {}
        for path in sorted({*was, *now}):
            if was.get(path) != now.get(path):
                yield _change(kind, path, was, now)


def _change(kind: str, path: str, was: Mapping[str, str], now: Mapping[str, str]) -> Change:
    hidden = tuple(covering(path, side) is not None for side in (was, now))
    effect = NEUTRAL if hidden[0] == hidden[1] else TIGHTENS if hidden[1] else LOOSENS
    words = [f"redacted as {side[path]}" if path in side else "not listed" for side in (was, now)]
    label = f"{path} of {kind}: {words[0]} becomes {words[1]}."
    return Change(("redact", kind, path), "redact", label, was.get(path), now.get(path), effect, _WHY[effect])
