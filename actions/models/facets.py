"""How actions are found in lists: their facets in order of time."""

from django.db import models

from actions.models.calls import Action
from traces.models import FacetRow


class ActionFacet(FacetRow):
    """A tool, record, rule, policy version or person of an action, whichever it had at any time."""

    action = models.ForeignKey(Action, on_delete=models.CASCADE, related_name="facet_rows", db_index=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["action", "facet"], name="action_facet_once")]
        indexes = [models.Index(fields=["workspace", "facet", "-created_at", "-action"], name="action_facet_newest")]
