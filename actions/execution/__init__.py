"""The execution boundary: the only code that opens a connection. One function runs every action (R-20).

Nothing outside this package imports `actions.connectors`; import-linter proves it.
"""

from actions.execution.at_once import AtOnce
from actions.execution.by_agent import ReportRefused, record_report
from actions.execution.commands import BadCommands, allowed_commands
from actions.execution.credentials import end_left_over, left_over
from actions.execution.health import Health, look_at
from actions.execution.listing import server_tools
from actions.execution.preview import PreviewFailed, read_target
from actions.execution.reach import OutOfReach, check_operation, checked_options
from actions.execution.reconcile import reconcile
from actions.execution.run import run
from actions.execution.told import Told, told_by_system
from actions.execution.upstream import compare_tools, look_at_server

__all__ = [
    "AtOnce",
    "BadCommands",
    "Health",
    "OutOfReach",
    "PreviewFailed",
    "ReportRefused",
    "Told",
    "allowed_commands",
    "check_operation",
    "checked_options",
    "compare_tools",
    "end_left_over",
    "left_over",
    "look_at",
    "look_at_server",
    "read_target",
    "reconcile",
    "record_report",
    "run",
    "server_tools",
    "told_by_system",
]
