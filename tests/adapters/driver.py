"""Runs one agent stack with its real SDK, in the environment of `make adapters`: JSON lines in, JSON lines out.

`{"ask": {...}}` lets the stack's agent work until it ends or waits; `{"resume": state}` goes on, in this process or another.
"""

import importlib
import json
import os
import sys

from remit_client import Remit, Toolset


def main() -> None:
    stack = importlib.import_module(f"tests.adapters.stacks.{sys.argv[1]}")
    remit = Remit(os.environ["REMIT_URL"], token=os.environ["REMIT_AGENT_TOKEN"])
    out, sys.stdout = sys.stdout, sys.stderr  # What a library prints is no answer.
    for line in sys.stdin:
        order = json.loads(line)
        toolset = Toolset(remit.trace(order["trace"]))
        go_on, given = (stack.start, json.dumps(order["ask"])) if "ask" in order else (stack.resume, order["resume"])
        answer = go_on(toolset, given)
        out.write(json.dumps(answer) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
