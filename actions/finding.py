"""Narrows the actions a person may see to the filters that lists of traces have.

What the ledger's facets know narrows the traces first, by their index; then each action is asked about itself.
"""

from django.db.models import Q, QuerySet

from accounts.models import Workspace
from actions.models import Action
from actions.states import SUCCESS, State
from approvals.models import ApprovalRequest
from traces.facets import facet
from traces.filters import OUTCOMES, Filters, instant_of
from traces.finding import by_title, people_named
from traces.models import Trace
from traces.sentences import outcome

UNDONE = "rolled_back"
# Outcome of a trace -> the states of an action that mean the same of it alone.
STATES = {how: [state for state in State if outcome([state]) == how] for how in OUTCOMES}


def narrowed(visible: QuerySet[Action], workspace: Workspace, filters: Filters) -> QuerySet[Action]:
    """Those of the visible actions that match every filter."""
    found = visible.filter(trace__facets__contains=_facets(filters)) if _facets(filters) else visible
    for condition in _conditions(filters):
        found = found.filter(condition)
    if filters.person:
        found = found.filter(_by_people(people_named(workspace, filters.person)))
    if filters.q:
        found = found.filter(trace__in=by_title(Trace.objects.filter(workspace=workspace), filters.q).values("pk"))
    return found


def _facets(filters: Filters) -> list[str]:
    given = {"tool": filters.tool, "record": filters.record, "policy": filters.policy, "rule": filters.rule}
    return [facet(kind, value) for kind, value in given.items() if value]


def _conditions(filters: Filters) -> list[Q]:
    """What each filter asks of one action."""
    asked = [
        (filters.outcome, _stands),
        (filters.agent, lambda slug: Q(agent__slug=slug)),
        (filters.tool, lambda name: Q(tool_name=name)),
        (filters.record, lambda record: Q(before__record_id=record) | Q(result__remote_id=record)),
        (filters.policy, _decided_by),
        (filters.rule, _fired),
        (filters.since, lambda text: Q(created_at__gte=instant_of(text))),
        (filters.until, lambda text: Q(created_at__lte=instant_of(text))),
    ]
    return [condition(value) for value, condition in asked if value]


def _stands(how: str) -> Q:
    """As a trace of this action alone would stand."""
    if how == UNDONE:
        return Q(state__in=SUCCESS, rollback_state=UNDONE)
    whole = Q(state__in=STATES.get(how, []))
    return whole & ~Q(rollback_state=UNDONE) if how == Trace.Outcome.COMPLETED else whole


def _decided_by(policy: str) -> Q:
    """`support`, or one version of it: `support@18`."""
    slug, _, version = policy.partition("@")
    named = Q(decision__policy__slug=slug)
    if not version:
        return named
    whole = version.isascii() and version.isdigit() and len(version) < 10
    return named & Q(decision__policy__version=int(version)) if whole else Q(pk=None)


def _fired(rule: str) -> Q:
    """A rule that did not pass."""
    spoke = [Q(decision__checks__contains=[{"rule": rule, "outcome": how}]) for how in ("denied", "escalated")]
    return spoke[0] | spoke[1]


def _by_people(named: list[str]) -> Q:
    """Asked for by one of them, done by one in their own name, or decided by one."""
    people = [one.removeprefix("person:") for one in named]
    decided = ApprovalRequest.objects.filter(verdicts__user__in=people).values("action_id")
    return Q(requester__in=people) | Q(acting_user__in=people) | Q(pk__in=decided)
