"""The runtime's command line."""

import argparse
import os
import sys

from console.runtime.execute import execute, manage
from console.runtime.layout import StartError
from console.runtime.serve import serve


def main() -> int:
    """`serve`, `manage -- ARGUMENTS` or `exec -- COMMAND`. A start that cannot work says one sentence and exits 2."""
    parser = argparse.ArgumentParser(prog="python -m console.runtime")
    parser.add_argument("verb", choices=["serve", "manage", "exec"])
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    # Tests and checks run on servers of their own; what an operator asks for is about the installation.
    data = os.environ.get("REMIT_DATA_DIR", ".remit/exec" if options.verb == "exec" else ".remit")
    try:
        if options.verb == "serve":
            return serve(data)
        return manage(data, command) if options.verb == "manage" else execute(data, command)
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    raise SystemExit(main())
