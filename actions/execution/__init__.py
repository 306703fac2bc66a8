"""The execution boundary: the only code that opens a connection. One function runs every action (R-20).

Nothing outside this package imports `actions.connectors`; import-linter proves it.
"""

from actions.execution.preview import PreviewFailed, read_target
from actions.execution.reach import OutOfReach, check_operation
from actions.execution.run import run

__all__ = ["OutOfReach", "PreviewFailed", "check_operation", "read_target", "run"]
