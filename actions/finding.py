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
from traces.by_day import by_day
from traces.facets import facet
from traces.filters import Filters
from traces.finding import agent_named, by_title, facets_asked, people_named
from traces.finding import narrowed as narrowed_traces
from traces.models import Trace
from traces.paging import Place, Stretch, Walk, Way, walked
from traces.reading import GATHERED, prefer
from traces.ways import FEW, Asked, asked_of, chosen, expected, facet_lanes, in_order, without, worded

# How many traces one page looks into; what a title costs more is read of fewer rows.
MOST_TRACES = 300
REACH, REACH_OF_WORDS = 5_000, 750
TICK = timedelta(microseconds=1)


def narrowed(visible: QuerySet[Action], workspace: Workspace, filters: Filters) -> QuerySet[Action]:
    """Those of the visible actions that match every filter."""
    found = visible.filter(trace__facets__contains=asked) if (asked := facets_asked(filters)) else visible
    found = _of_itself(found, workspace, filters)
    return _by_words(found, filters.q) if filters.q else found


def _of_itself(found: QuerySet[Action], workspace: Workspace, filters: Filters) -> QuerySet[Action]:
    """Those that match what filters ask of an action itself."""
    if filters.outcome:
        # As a trace of this action alone would stand.
        found = found.alias(stands=STANDS).filter(stands=filters.outcome)
    if filters.agent:
        found = found.filter(agent_id=agent_named(workspace, filters.agent))
    for condition in _conditions(filters):
        found = found.filter(condition)
    return found.filter(_by_people(people_named(workspace, filters.person))) if filters.person else found


def _by_words(found: QuerySet[Action], text: str) -> QuerySet[Action]:
    return found.filter(Exists(by_title(Trace.objects.filter(pk=OuterRef("trace_id")), text)))


def ways(
    visible: QuerySet[Action], traces: QuerySet[Trace], workspace: Workspace, filters: Filters, own: User | None = None
) -> list[Way[Action]]:
    """The ways to read the actions that match, the cheapest first. `traces` are the visible ones, `own` whose they alone are."""
    asked = _asked(visible, workspace, filters, own)
    along = walked(in_order(asked))
    if not asked.asks_more:
        return [along]
    here = _of_itself(Action.objects.filter(workspace=workspace), workspace, filters)
    theirs = _traces_of(traces, workspace, replace(filters, q=""))
    if not filters.q:
        return chosen(theirs, along, gathered(theirs, here, visible))
    # Of few traces of one's own each is asked for words: what the database expects of words with other things is far too little.
    if own and expected(traces) <= FEW:
        return worded(filters, theirs, asked, along, gathered(theirs, _by_words(here, filters.q), visible))
    lane = Action.objects.filter(workspace=workspace).filter(filters.within("created_at"))
    days = by_day(visible, here, workspace, filters.q, lane, theirs)
    return worded(filters, _traces_of(traces, workspace, filters), asked, along, days)


def walks(visible: QuerySet[Action], workspace: Workspace, filters: Filters) -> list[Walk[Action]]:
    """The actions that match in the order of an index, one walk a person of that name."""
    return in_order(_asked(visible, workspace, filters, None))


def _asked(visible: QuerySet[Action], workspace: Workspace, filters: Filters, own: User | None) -> Asked[Action]:
    """INVARIANT: whose a trace is asked for each of its actions. Held by tests/actions/test_action_list.py."""
    here = Action.objects.filter(workspace=workspace)
    lanes = facet_lanes(workspace, filters, ActionFacet)
    if own:
        mine = facet("person", own.pk)
        lanes["own"] = {mine: ActionFacet.objects.filter(workspace=workspace, facet=mine)}
    if filters.outcome:
        lanes["outcome"] = {"": here.alias(stands=STANDS).filter(stands=filters.outcome)}
    if filters.agent:
        lanes["agent"] = {"": here.filter(agent_id=agent_named(workspace, filters.agent))}

    def rest(name: str) -> QuerySet[Action]:
        # A facet says that it was decided so once; after an edit it may have been decided anew.
        # The row knows an id that is sensitive, and the ledger's facets do not: it is found by neither.
        record = Q(trace__facets__contains=[facet("record", filters.record)])
        again = {"policy": _decided_by(filters.policy), "rule": _fired(filters.rule), "record": record}.get(name, Q())
        return narrowed(visible, workspace, without(filters, name)).filter(again)

    reach = REACH_OF_WORDS if filters.q else REACH
    return asked_of(workspace, filters, lanes, here, "action_id", rest=rest, reach=reach, hides=own is not None)


def _traces_of(traces: QuerySet[Trace], workspace: Workspace, filters: Filters) -> QuerySet[Trace]:
    """The traces that the actions which match are of, by what is indexed of traces."""
    found = narrowed_traces(traces, workspace, replace(filters, outcome="", agent="", since="", until=""))
    return found.filter(filters.within("updated_at", "created_at"))


def gathered(traces: QuerySet[Trace], matching: QuerySet[Action], visible: QuerySet[Action]) -> Way[Action]:
    """The way through the traces, those first that moved last: what lies between their last moves is all of it.

    `matching` is asked of the actions of visible traces that match, and of nothing else; only the visible are shown.

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
        walk = Walk(found, visible)
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
    ]
    return [*(condition(value) for value, condition in asked if value), filters.within("created_at")]


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
