"""The execution boundary: the only code that opens a connection. One function runs every action (R-20).

Nothing outside this package imports `actions.connectors`; import-linter proves it.
"""

from actions.execution.by_agent import ReportRefused, record_report
from actions.execution.credentials import end_left_over, left_over
from actions.execution.health import Health, look_at
from actions.execution.preview import PreviewFailed, read_target
from actions.execution.reach import OutOfReach, check_connection, check_operation
from actions.execution.reconcile import reconcile
from actions.execution.run import run
from actions.execution.told import Told, told_by_system

__all__ = [
    "Health",
    "OutOfReach",
    "PreviewFailed",
    "ReportRefused",
    "Told",
    "check_connection",
    "check_operation",
    "end_left_over",
    "left_over",
    "look_at",
    "read_target",
    "reconcile",
    "record_report",
    "run",
    "told_by_system",
]
