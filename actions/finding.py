"""Narrows the actions a person may see to the filters that lists of traces have.

What the ledger's facets know narrows the traces first, by their index; then each action is asked about itself. A page is
read along one index that has its rows in order, as of traces (traces.ways), or through the traces that match, where they are few.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

from django.db.models import DateTimeField, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Greatest, Least

from accounts.models import User, Workspace
from actions.models import Action, ActionFacet
from actions.stands import STANDS
from approvals.models import ApprovalRequest
from traces.filters import Filters, instant_of
from traces.finding import agent_named, by_title, facets_asked, people_named
from traces.finding import narrowed as narrowed_traces
from traces.models import Trace
from traces.paging import Place, Stretch, Walk, Way, walked
from traces.reading import GATHERED, prefer
from traces.ways import FEW, Asked, asked_of, chosen, expected, facet_lanes, in_order, without

# How many traces one page looks into; what a title costs more is read of fewer rows.
MOST_TRACES = 300
REACH, REACH_OF_WORDS = 5_000, 750
TICK = timedelta(microseconds=1)


def narrowed(visible: QuerySet[Action], workspace: Workspace, filters: Filters) -> QuerySet[Action]:
    """Those of the visible actions that match every filter."""
    found = visible.filter(trace__facets__contains=asked) if (asked := facets_asked(filters)) else visible
    if filters.outcome:
        # As a trace of this action alone would stand.
        found = found.alias(stands=STANDS).filter(stands=filters.outcome)
    if filters.agent:
        found = found.filter(agent_id=agent_named(workspace, filters.agent))
    for condition in _conditions(filters):
        found = found.filter(condition)
    if filters.person:
        found = found.filter(_by_people(people_named(workspace, filters.person)))
    if filters.q:
        found = found.filter(Exists(by_title(Trace.objects.filter(pk=OuterRef("trace_id")), filters.q)))
    return found


def ways(
    visible: QuerySet[Action], traces: QuerySet[Trace], workspace: Workspace, filters: Filters, own: User | None = None
) -> list[Way[Action]]:
    """The ways to read the actions that match, the cheapest first. `traces` are the visible ones, `own` whose they alone are."""
    asked = _asked(visible, workspace, filters, hides=own is not None)
    along = walked(in_order(asked))
    if not asked.asks_more:
        return [along]
    # Of few traces of one's own each is asked for words: what the database expects of words with other things is far too little.
    kept = replace(filters, q="") if own and expected(traces) <= FEW else filters
    theirs = _traces_of(traces, workspace, kept)
    return chosen(kept, theirs, along, gathered(theirs, narrowed(visible, workspace, filters)))


def walks(visible: QuerySet[Action], workspace: Workspace, filters: Filters) -> list[Walk[Action]]:
    """The actions that match in the order of an index, one walk a person of that name."""
    return in_order(_asked(visible, workspace, filters, hides=False))


def _asked(visible: QuerySet[Action], workspace: Workspace, filters: Filters, *, hides: bool) -> Asked[Action]:
    here = Action.objects.filter(workspace=workspace)
    lanes = facet_lanes(workspace, filters, ActionFacet)
    if filters.outcome:
        lanes["outcome"] = {"": here.alias(stands=STANDS).filter(stands=filters.outcome)}
    if filters.agent:
        lanes["agent"] = {"": here.filter(agent_id=agent_named(workspace, filters.agent))}

    def rest(name: str) -> QuerySet[Action]:
        # A facet says that it was decided so once; after an edit it may have been decided anew.
        again = {"policy": _decided_by(filters.policy), "rule": _fired(filters.rule)}.get(name, Q())
        return narrowed(visible, workspace, without(filters, name)).filter(again)

    reach = REACH_OF_WORDS if filters.q else REACH
    return asked_of(workspace, filters, lanes, here, "action_id", rest=rest, reach=reach, hides=hides)


def _traces_of(traces: QuerySet[Trace], workspace: Workspace, filters: Filters) -> QuerySet[Trace]:
    """The traces that the actions which match are of, by what is indexed of traces."""
    found = narrowed_traces(traces, workspace, replace(filters, outcome="", agent="", since="", until=""))
    ends = [("updated_at__gte", filters.since), ("created_at__lte", filters.until)]
    return found.filter(*[Q((name, instant_of(text))) for name, text in ends if text])


def gathered(traces: QuerySet[Trace], matching: QuerySet[Action]) -> Way[Action]:
    """The way through the traces, those first that moved last: what lies between their last moves is all of it.

    INVARIANT: an action is proposed between the opening and the last entry of its trace, so a trace that moved last before an
    instant has no action after it. Held by tests/actions/test_action_list.py.
    """

    moves_from = cache(lambda start, older: _moves(traces, start, older))

    def way(start: Place | None, older: bool, part: int) -> Stretch[Action] | None:
        prefer(GATHERED)
        moves = moves_from(start, older)
        # Beside the last move that is read there may be more of the same instant.
        end = moves[MOST_TRACES][1] + (TICK if older else -TICK) if len(moves) > MOST_TRACES else None
        if start and end and (end >= start[0] if older else end <= start[0]):
            return None
        found = matching.filter(trace_id__in=[key for key, _ in moves[:MOST_TRACES]])
        walk = Walk(found, found)
        return Stretch([walk.between(end, None) if older else walk.between(None, end)], end, GATHERED)

    return way


def _moves(traces: QuerySet[Trace], start: Place | None, older: bool) -> list[tuple[str, datetime]]:
    """Traces with the last (going on to newer ones: the first) instant from a place on at which an action of theirs may stand."""
    at = Value(start[0] if start else None, DateTimeField())
    if older:
        within = traces.filter(created_at__lte=start[0]) if start else traces
        found = within.annotate(move=Least("updated_at", at)).order_by("-move")
    else:
        within = traces.filter(updated_at__gte=start[0]) if start else traces
        found = within.annotate(move=Greatest("created_at", at)).order_by("move")
    return list(found.values_list("pk", "move")[: MOST_TRACES + 1])


def _conditions(filters: Filters) -> list[Q]:
    """What each filter asks of one action."""
    asked: list[tuple[str, Callable[[str], Q]]] = [
        (filters.tool, lambda name: Q(tool_name=name)),
        (filters.record, lambda record: Q(before__record_id=record) | Q(result__remote_id=record)),
        (filters.policy, _decided_by),
        (filters.rule, _fired),
        (filters.since, lambda text: Q(created_at__gte=instant_of(text))),
        (filters.until, lambda text: Q(created_at__lte=instant_of(text))),
    ]
    return [condition(value) for value, condition in asked if value]


def _decided_by(policy: str) -> Q:
    """`support`, or one version of it: `support@18`. Nothing asks for nothing."""
    slug, _, version = policy.partition("@")
    named = Q(decision__policy__slug=slug) if slug else Q()
    if not version:
        return named
    whole = version.isascii() and version.isdigit() and len(version) < 10
    return named & Q(decision__policy__version=int(version)) if whole else Q(pk=None)


def _fired(rule: str) -> Q:
    """A rule that did not pass. Nothing asks for nothing."""
    if not rule:
        return Q()
    spoke = [Q(decision__checks__contains=[{"rule": rule, "outcome": how}]) for how in ("denied", "escalated")]
    return spoke[0] | spoke[1]


def _by_people(named: list[str]) -> Q:
    """Asked for by one of them, done by one in their own name, or decided by one."""
    people = [one.removeprefix("person:") for one in named]
    decided = ApprovalRequest.objects.filter(verdicts__user__in=people).values("action_id")
    return Q(requester__in=people) | Q(acting_user__in=people) | Q(pk__in=decided)
