"""Policies, their versions and drafts, what was decided under them, and what actions hold of their limits."""

from policies.models.history import BreakerTrip, DecisionRecord, Replay
from policies.models.limits import LimitHold, ShadowHold
from policies.models.policy import Policy, PolicyDraft, PolicyVersion, ShadowVersion, new_policy_id

__all__ = [
    "BreakerTrip", "DecisionRecord", "LimitHold", "Policy", "PolicyDraft", "PolicyVersion", "Replay", "ShadowHold",
    "ShadowVersion", "new_policy_id",
]  # fmt: skip
