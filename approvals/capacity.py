"""By what right a verdict is given, where it is not the person's own: part of what is signed, and held until it is recorded."""

from accounts.held import hold_capacities
from accounts.models import Delegation, SingleOperator
from accounts.single import mode_now
from approvals.eligibility import Eligibility
from approvals.models import ApprovalRequest, Verdict
from approvals.refusals import NotEntitled
from traces.canonical import instant


def hold(may: Eligibility) -> None:
    """Keep that right from ending until the verdict under it is recorded. Raises NotEntitled where it ended just now."""
    if may.delegation is not None:
        _hold_delegation(may.delegation)
    if may.single is not None:
        _hold_mode(may.single)


def _hold_delegation(delegation: Delegation) -> None:
    hold_capacities(workspace_id=delegation.workspace_id, delegations=[delegation.pk])
    if not Delegation.objects.filter(pk=delegation.pk, revoked_at=None).exists():
        raise NotEntitled(f"{delegation.person.name} took the delegation back. Nothing was decided.")


def _hold_mode(mode: SingleOperator) -> None:
    hold_capacities(workspace_id=mode.workspace_id, delegations=[])
    if mode_now(mode.workspace) != mode:
        raise NotEntitled("Single-operator mode ended just now. Nothing was decided.")


def told(verdict: Verdict) -> dict[str, object]:
    """The same as the ledger keeps it: for whom, and in which mode."""
    return {"for": _away(verdict.delegation), "single_operator": verdict.single_id}


def _away(delegation: Delegation | None) -> dict[str, str] | None:
    if delegation is None:
        return None
    person = delegation.person
    return {"id": person.pk, "name": person.name, "delegation": delegation.pk, "until": instant(delegation.ends_at)}


def lifted(request: ApprovalRequest, verdict: Verdict) -> bool:
    """Whether a verdict of somebody kept from deciding stands, because they were alone and still are."""
    mode = mode_now(request.workspace)
    return mode is not None and mode.pk == verdict.single_id and mode.user_id == verdict.user_id
