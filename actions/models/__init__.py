"""The rows of actions: calls and the tools behind them, and what attempts and people leave beside them."""

from actions.models.aftermath import (
    AttemptCredential,
    Attestation,
    Epoch,
    KillSwitch,
    Rollback,
    new_attestation_id,
    new_rollback_id,
    new_switch_id,
)
from actions.models.calls import (
    Action,
    Bulk,
    Connection,
    IdempotencyKey,
    Plan,
    Tool,
    new_action_id,
    new_bulk_id,
    new_connection_id,
    new_plan_id,
    new_system_id,
    new_tool_id,
)
from actions.models.facets import ActionFacet
from actions.models.handovers import Handover
from actions.models.rechecks import Recheck, new_recheck_id
from actions.models.tools import Listing, ToolVersion

__all__ = [
    "Action",
    "ActionFacet",
    "AttemptCredential",
    "Attestation",
    "Bulk",
    "Connection",
    "Epoch",
    "Handover",
    "IdempotencyKey",
    "KillSwitch",
    "Listing",
    "Plan",
    "Recheck",
    "Rollback",
    "Tool",
    "ToolVersion",
    "new_action_id",
    "new_attestation_id",
    "new_bulk_id",
    "new_connection_id",
    "new_plan_id",
    "new_recheck_id",
    "new_rollback_id",
    "new_switch_id",
    "new_system_id",
    "new_tool_id",
]
