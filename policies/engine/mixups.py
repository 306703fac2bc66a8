"""Money limits in two currencies over the same calls: whatever a call costs, it breaks one of them. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from policies.engine.parts import Limit, When


def mixed(limits: Sequence[Limit]) -> Iterator[tuple[int, Limit]]:
    """The place of each money limit, with the first before it that surely covers some of its calls in another currency."""
    # By the tools they name, `None` for those that name none: limits of different tools never meet.
    seen: dict[str | None, list[Limit]] = {}
    for number, limit in enumerate(limits):
        if limit.kind != "money":
            continue
        tools = sorted(limit.when.tools)
        others = chain.from_iterable(seen.get(tool, ()) for tool in (*tools, None)) if tools else _all(seen)
        for other in others:
            if other.currency != limit.currency and _meet(other.when, limit.when):
                yield number, other
                break
        for name in tools or (None,):
            seen.setdefault(name, []).append(limit)


def _all(seen: Mapping[str | None, list[Limit]]) -> Iterator[Limit]:
    return chain.from_iterable(seen.values())


def mixed_words(limit: Limit, other: Limit) -> str:
    """What is wrong, and what to write."""
    shared = ", ".join(sorted(limit.when.tools & other.when.tools))
    both = f"limited in {other.currency} by {other.id}, here in {limit.currency}: every call breaks one."
    return f"{f'{shared} is' if shared else 'The same calls are'} {both} Use one currency."


def _meet(one: When, two: When) -> bool:
    """Whether some call is surely covered by both. What a tool does is not known here, so a class never meets a tool."""
    if one.roles and two.roles and one.roles.isdisjoint(two.roles):
        return False
    return not one.tools.isdisjoint(two.tools) or _within(one, two) or _within(two, one)


def _within(one: When, two: When) -> bool:
    """Whether the second covers every kind of call that the first covers."""
    pairs = (
        (one.tools, two.tools),
        (one.resource_types, two.resource_types),
        (one.effect_classes, two.effect_classes),
    )
    return all(not wide or (narrow and narrow <= wide) for narrow, wide in pairs)
