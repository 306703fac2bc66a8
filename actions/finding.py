"""Narrows the actions a person may see to the filters that lists of traces have.

What the ledger's facets know narrows the traces first, by their index; then each action is asked about itself. A page is
read along one index that has its rows in order (`walks`), as of traces.
"""

from collections.abc import Callable

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Workspace
from actions.models import Action
from actions.stands import STANDS
from approvals.models import ApprovalRequest
from traces.filters import Filters, instant_of
from traces.finding import agent_named, along, by_title, facets_asked, leading, people_named, sifted, within
from traces.models import Trace
from traces.paging import Walk


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


def walks(visible: QuerySet[Action], workspace: Workspace, filters: Filters) -> list[Walk[Action]]:
    """The same actions in the order of an index: of the facet that narrows most, else of time; one a person of that name."""
    few = sifted(workspace, filters)
    if few is not None:
        found = narrowed(visible.filter(trace_id__in=few), workspace, filters)
        return [Walk(found, found)]
    facets, rest = leading(workspace, filters)
    found = narrowed(visible, workspace, rest)
    # A facet says that it was decided so once; after an edit it may have been decided anew.
    for condition in (_decided_by(filters.policy), _fired(filters.rule)) if facets else ():
        found = found.filter(condition)
    made = [along(found, workspace, one, "action_id") for one in facets] if facets else [Walk(found, found)]
    return [within(walk, filters) for walk in made]


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
