"""How an action stands in lists: the outcome of a trace, asked of one action alone."""

from django.db.models import Case, CharField, Q, Value, When

from actions.states import SUCCESS, State
from traces.filters import OUTCOMES
from traces.sentences import outcome

UNDONE = "rolled_back"
# Outcome of a trace -> the states of an action that mean the same of it alone.
STATES = {how: [str(state) for state in State if outcome([state]) == how] for how in OUTCOMES}
# The index `action_stands_newest` is of exactly this expression.
STANDS = Case(
    When(Q(rollback_state=UNDONE, state__in=sorted(str(state) for state in SUCCESS)), then=Value(UNDONE)),
    *(When(state__in=states, then=Value(how)) for how, states in STATES.items() if states),
    default=Value(""),
    output_field=CharField(),
)
