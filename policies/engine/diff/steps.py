"""Whether the steps of one route ask all that those of another ask: the same people or fewer, as many, in no looser order."""

from collections.abc import Sequence

from policies.engine.types import Route, RouteStep

Stage = list[RouteStep]


def terms(route: Route) -> list[tuple[str | None, tuple[str, ...], tuple[tuple[str, str], ...], int, bool]]:
    """Who decides, how many and in which order, without the words people read."""
    return [(step.group, tuple(sorted(step.people)), step.attributes, step.quorum, step.joins) for step in route.steps]


def stages(steps: Sequence[RouteStep]) -> list[Stage]:
    """Steps that are decided at the same time, together."""
    found: list[Stage] = []
    for step in steps:
        if step.joins and found:
            found[-1].append(step)
        else:
            found.append([step])
    return found


def embeds(old: Route, new: Route) -> bool:
    """Whether every old step still stands, asking no other people and no fewer, and what came after another still does.

    Looks for one way to see it and takes the first place that fits, so it may say no where there is one; never yes where
    there is none.
    """
    rest = [(place, step) for place, stage in enumerate(stages(new.steps)) for step in stage]
    reached = -1
    for stage in stages(old.steps):
        places = []
        for step in stage:
            found = next((item for item in rest if item[0] > reached and _asks(item[1], step)), None)
            if found is None:
                return False
            rest.remove(found)
            places.append(found[0])
        reached = max(places)
    return True


def _asks(new: RouteStep, old: RouteStep) -> bool:
    """Whether a step asks at least what another did: nobody may decide it who might not, and as many must."""
    group = new.group is None if old.group is None else new.group in (None, old.group)
    # A person has all of them, so more of them are fewer people, and none at all adds nobody.
    fewer = not new.attributes or (bool(old.attributes) and set(old.attributes) <= set(new.attributes))
    return group and fewer and set(new.people) <= set(old.people) and new.quorum >= old.quorum
