"""How a workspace wants approvals given: read by `requirement` and `fatigue`, changed here and ledgered."""

from dataclasses import asdict, dataclass

from django.db import transaction

from accounts.actors import Actor
from accounts.models import Workspace
from approvals.models import ApprovalSettings
from approvals.requirement import settings_of
from traces.services import record_governance

# From the weakest floor to the strictest.
FLOORS = ("none", "by_risk", "totp", "passkey")


@dataclass(frozen=True, slots=True)
class Terms:
    """The settings as values: floor, approvals an hour above which a second approver is asked (None: never), prompts per
    100 actions, and the share of automatic actions looked at again, per mille."""

    step_up_floor: str = ApprovalSettings.Floor.BY_RISK.value
    second_above: int | None = None
    prompt_budget: int = 20
    recheck_per_mille: int = 20


def terms_of(workspace_id: str) -> Terms:
    """What holds now."""
    found = settings_of(workspace_id)
    return Terms(found.step_up_floor, found.second_above, found.prompt_budget, found.recheck_per_mille)


def loosens(was: Terms, now: Terms) -> bool:
    """Whether less is asked of people than before."""
    weaker = FLOORS.index(now.step_up_floor) < FLOORS.index(was.step_up_floor)
    limits = [float("inf") if terms.second_above is None else terms.second_above for terms in (was, now)]
    return weaker or limits[1] > limits[0] or now.recheck_per_mille < was.recheck_per_mille


def set_terms(*, actor: Actor, workspace: Workspace, terms: Terms) -> None:
    """Change how approvals are given, from the next verdict and the next dispatch on. Raises ValueError for an unknown floor."""
    if terms.step_up_floor not in FLOORS:
        raise ValueError(f"{terms.step_up_floor} is not one of {', '.join(FLOORS)}.")
    with transaction.atomic():
        was = terms_of(workspace.pk)
        if was == terms and ApprovalSettings.objects.filter(workspace=workspace).exists():
            return
        ApprovalSettings.objects.update_or_create(workspace=workspace, defaults=asdict(terms))
        body = {"was": asdict(was), "now": asdict(terms), "loosens": loosens(was, terms)}
        record_governance(actor=actor, workspace_id=workspace.pk, type="approval_settings.changed", body=body)
