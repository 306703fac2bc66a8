"""Compares the sections that stand in lists: invariants, limits, freezes, breakers, waivers and tests."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from policies.engine.diff import words
from policies.engine.diff.items import Aspect, Item, Judged, Kind, stricter_if
from policies.engine.diff.items import words as reworded
from policies.engine.diff.model import LOOSENS, NEUTRAL, TIGHTENS
from policies.engine.diff.orders import length, reach, span
from policies.engine.diff.predicates import relation
from policies.engine.diff.routes import stricter_route
from policies.engine.plain import routes_of
from policies.engine.windows import instant

_WIDER = {
    "wider": (TIGHTENS, "It covers everything it covered, and more."),
    "narrower": (LOOSENS, "It no longer covers every call it covered."),
    "other": (LOOSENS, "It cannot be shown to cover every call it covered."),
    "same": None,
}
_ADDED = (TIGHTENS, "One rule more can only refuse more.")
_REMOVED = (LOOSENS, "What it refused is no longer refused.")


def _when(old: Item, new: Item) -> Judged:
    return _WIDER[reach(old.get("when") or {}, new.get("when") or {})]


_NAMED = (
    Aspect(("name",), "its name", reworded, lambda item: str(item.get("name", item["id"]))),
    Aspect(("reason",), "the reason it gives", reworded),
)
_COVERS = Aspect(("when",), "what it covers", _when, words.covers)


def _expression(old: Item, new: Item) -> Judged:
    key = "forbid" if "forbid" in new else "require"
    if key not in old:
        return LOOSENS, "Require and forbid were swapped; the two cannot be compared."
    found = relation(old[key], new[key], joined_by="||" if key == "forbid" else "&&")
    if found == "same":
        return NEUTRAL, "Only its form differs; it says the same."
    why = "Every condition it had still stands, and one more is joined to them."
    return stricter_if(found == "stricter", why=why, otherwise="It cannot be shown to refuse all it refused.")


def _said(item: Item) -> str:
    return (
        f"forbid {words.excerpt(item['forbid'])}" if "forbid" in item else f"require {words.excerpt(item['require'])}"
    )


INVARIANTS = Kind(
    "invariants", "Invariant", _ADDED, _REMOVED,
    (Aspect(("require", "forbid"), "", _expression, _said), _COVERS, *_NAMED, Aspect(("remedy",), "its remedy", reworded)),
    describe=_said,
)  # fmt: skip


def _most(old: Item, new: Item) -> Judged:
    return stricter_if(new["max"] < old["max"], why="It allows less.", otherwise="It allows more.")


def _window(old: Item, new: Item) -> Judged:
    before, after = length(old.get("window"), 0), length(new.get("window"), 0)
    if before == after:
        return NEUTRAL, "The same time, written otherwise."
    return stricter_if(
        after > before > 0,
        why="More time counts against the same number.",
        otherwise="Less time counts against the same number.",
    )


def _unlike(why: str) -> Callable[[Item, Item], Judged]:
    """For two values neither of which is the stricter."""
    return lambda old, new: (LOOSENS, why)


def _per(old: Item, new: Item) -> Judged:
    """Another `per` is another counter, and it starts empty: what was used up can be used again."""
    return LOOSENS, "The new counter starts empty, so what was used up may be used again."


def _over(old: Item, new: Item) -> Judged:
    why, otherwise = "Past it a call is denied, where people were asked.", "Past it people can allow what was denied."
    return stricter_if(new["over"] == "deny", why=why, otherwise=otherwise)


def _text(key: str, absent: str = "none") -> Callable[[Item], str]:
    return lambda item: str(item.get(key, absent))


def _past(item: Item) -> str:
    return f"approval by {item['route']}" if "route" in item else str(item["over"])


def _limit_said(item: Item) -> str:
    window = f" in {item['window']}" if "window" in item else ""
    return f"{words.amount(item, item['max'])} per {item['per']}{window}, then {_past(item)}"


def limits_kind(old: Mapping[str, Any], new: Mapping[str, Any]) -> Kind:
    """The limits of two documents; a limit's route is compared by what the route asks in each."""
    before, after = routes_of(old), routes_of(new)

    def past(was: Item, now: Item) -> Judged:
        if was["over"] != now["over"]:
            return _over(was, now)
        return stricter_route(before.get(was.get("route", "")), after.get(now.get("route", "")))

    return Kind(
        "limits", "Limit", _ADDED, _REMOVED,
        (
            Aspect(("max",), "the most it allows", _most, lambda item: words.amount(item, item["max"])),
            Aspect(("window",), "what counts, in the last", _window, _text("window", "call")),
            Aspect(("over", "route"), "past it", past, _past),
            Aspect(("per",), "counted per", _per, _text("per")),
            Aspect(("kind",), "its kind", _unlike("The two count different things."), _text("kind")),
            Aspect(("currency",), "its currency", _unlike("Amounts of two currencies cannot be compared."), _text("currency")),
            _COVERS, *_NAMED,
        ),
        describe=_limit_said,
    )  # fmt: skip


def _span(old: Item, new: Item) -> Judged:
    return _WIDER[span(old, new)]


def _times(item: Item) -> str:
    if "from" in item:
        return f"{item['from']} to {item['until']}"
    return f"every {words.join(item['days'])} from {item['start']} to {item['end']} UTC"


FREEZES = Kind(
    "freezes", "Freeze", _ADDED, _REMOVED,
    (Aspect(("from", "until", "days", "start", "end"), "its time", _span, _times), _COVERS, *_NAMED),
    describe=_times,
)  # fmt: skip


def _events(item: Item) -> str:
    return words.amount(item, item["max"]) + " spent" if "currency" in item else f"{item['max']:,} {item['on']}"


BREAKERS = Kind(
    "breakers", "Breaker", _ADDED, _REMOVED,
    (
        Aspect(("max",), "it trips after more than", _most, _events),
        Aspect(("window",), "what counts, in the last", _window, _text("window")),
        Aspect(("on",), "it counts", _unlike("The two count different things."), _text("on")),
        Aspect(("per",), "counted per", _unlike("A breaker that holds now would let go."), _text("per")),
        Aspect(("currency",), "its currency", _unlike("Amounts of two currencies cannot be compared."), _text("currency")),
        _COVERS, *_NAMED,
    ),
    describe=lambda item: f"more than {_events(item)} per {item['per']} in {item['window']}",
)  # fmt: skip


def _share(old: Item, new: Item) -> Judged:
    return stricter_if(new["above"] < old["above"], why="It demotes sooner.", otherwise="It demotes later.")


def _enough(old: Item, new: Item) -> Judged:
    why = "Fewer changes are enough to demote."
    return stricter_if(new["at_least"] < old["at_least"], why=why, otherwise="It takes more changes to demote.")


def _down_to(old: Item, new: Item) -> Judged:
    """Read-only is below every other tier; of the others neither asks more for everything."""
    why, otherwise = "A demoted role may do less.", "A demoted role may do what it could not have done."
    return stricter_if(new["to"] == "read-only", why=why, otherwise=otherwise)


DEMOTIONS = Kind(
    "demotions", "Demotion", (TIGHTENS, "One rule more can only take from a role."), (LOOSENS, "What it demoted keeps its tier."),
    (
        Aspect(("above",), "it demotes above", _share, lambda item: f"{item['above']} %"),
        Aspect(("at_least",), "of at least", _enough, lambda item: f"{item['at_least']:,} changes"),
        Aspect(("to",), "it demotes to", _down_to, _text("to")),
        Aspect(("window",), "what counts, in the last", _unlike("Other changes count."), _text("window")),
        Aspect(("on",), "it counts", _unlike("The two count different things."), _text("on")),
        Aspect(("role",), "for role", _unlike("The role it was for keeps its tier."), _text("role")),
        *_NAMED,
    ),
    describe=lambda item: f"{item['role']} to {item['to']} above {item['above']} % {item['on']} in {item['window']}",
)  # fmt: skip


def _expiry(old: Item, new: Item) -> Judged:
    try:
        sooner = instant(new["expires"]) - instant(old["expires"])
    except ValueError:  # A time that no calendar has: nothing can be shown.
        return LOOSENS, "The two times cannot be compared."
    if not sooner:
        return NEUTRAL, "The same time, written otherwise."
    return stricter_if(sooner < timedelta(0), why="It ends sooner.", otherwise="A control may be missing for longer.")


def _whose(old: Item, new: Item) -> Judged:
    return stricter_if(
        "role" not in old, why="It is for one role only.", otherwise="A control may be missing elsewhere."
    )


WAIVERS = Kind(
    "waivers", "Waiver", (LOOSENS, "A control may be missing while it lasts."), (TIGHTENS, "The control has to stand again."),
    (
        Aspect(("control",), "what it waives", _unlike("Another control may be missing."), _text("control")),
        Aspect(("role",), "for role", _whose, _text("role", "every role")),
        Aspect(("expires",), "until", _expiry, _text("expires")),
        Aspect(("reason",), "its reason", reworded), Aspect(("by",), "who answers for it", reworded, _text("by")),
    ),
    describe=lambda item: f"{item['control']} for {item.get('role', 'every role')} until {item['expires']}",
)  # fmt: skip

_RANK = ("allow", "draft", "approval", "deny")


def _given(old: Item, new: Item) -> Judged:
    return LOOSENS, "The test asks about another call, so nothing proves what it proved."


def _expected(old: Item, new: Item) -> Judged:
    """A test that now expects more strictness follows the rules; any other change of it takes a proof away."""
    before, after = (_RANK.index(item["expect"]["effect"]) for item in (old, new))
    if after > before:
        return NEUTRAL, "The test expects a stricter decision than before."
    return LOOSENS, "The test no longer proves what it proved."


TESTS = Kind(
    "tests", "Test", (NEUTRAL, "A test was added."), (LOOSENS, "Nothing proves any more what this test proved."),
    (Aspect(("given",), "what it gives", _given), Aspect(("expect",), "what it expects", _expected)), "name",
)  # fmt: skip
