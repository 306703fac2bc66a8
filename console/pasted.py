"""Where a pasted id leads: what stands in a ledger, an answer to an agent or a log line opens what it names."""

from django.urls import reverse

from accounts.access import NotVisible
from accounts.ids import is_id
from accounts.models import User
from actions.access import get_action_for, get_plan_for
from actions.listing import url_of

# Pages that say themselves whether this person may see them.
PAGES = {"trc": "traces:detail", "apr": "approvals:review", "agt": "actions:agent"}


def place_of(user: User, wanted: str) -> str:
    """The address of what an id names; empty for words, and for an action or plan this person may not see."""
    for prefix, page in PAGES.items():
        if is_id(prefix, wanted):
            return reverse(page, args=[wanted])
    try:
        if is_id("act", wanted):
            return url_of(get_action_for(user, wanted))
        return reverse("actions:plan", args=[get_plan_for(user, wanted).pk]) if is_id("pln", wanted) else ""
    except NotVisible:
        return ""
