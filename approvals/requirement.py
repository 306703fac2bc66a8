"""How surely a person must prove themself to approve: the workspace's floor by risk, raised by policy (V7.5.3)."""

from datetime import timedelta

from accounts.models import Factor, StepUp, User
from approvals.models import ApprovalRequest, ApprovalSettings

# From the least to the most. A code within the last minutes; or a passkey that signs this very verdict.
LEVELS = ("none", "totp", "passkey")
FRESH = timedelta(minutes=5)
Floor = ApprovalSettings.Floor


def settings_of(workspace_id: str) -> ApprovalSettings:
    """The workspace's settings, or the defaults."""
    found = ApprovalSettings.objects.filter(workspace=workspace_id).first()
    return found or ApprovalSettings(workspace_id=workspace_id)


def required_level(request: ApprovalRequest, wanted: ApprovalSettings | None = None) -> str:
    """`none`, `totp` or `passkey`. A route may ask more than the workspace's floor, never less; an unknown risk is a risk.

    `wanted` are the workspace's settings read already, where many requests are asked about.
    """
    floor: str = (wanted or settings_of(request.workspace_id)).step_up_floor
    if floor == Floor.BY_RISK:
        floor = "totp" if _risky(request) else "none"
    return max(floor, str(request.route.get("step_up", "none")), key=LEVELS.index)


def _risky(request: ApprovalRequest) -> bool:
    bound = request.bound
    harmless = bound.get("reversibility") in {"reversible", "compensable"}
    return not harmless or bound.get("effect_class") not in {"read", "draft", "write"}


def enough(level: str, method: str, *, by_passkey: bool) -> bool:
    """Whether a proof by `method` satisfies the level; `by_passkey` says whether a passkey signed the verdict itself."""
    if level == "passkey":
        return by_passkey and method == StepUp.Method.PASSKEY
    return level == "none" or method in StepUp.Method.values


def may_prove(user: User, level: str) -> bool:
    """Whether this person has a factor that can reach the level."""
    factors = Factor.objects.filter(user=user)
    return (factors.filter(kind=Factor.Kind.PASSKEY) if level == "passkey" else factors).exists()
