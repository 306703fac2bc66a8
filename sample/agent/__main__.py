"""`python -m sample.agent`: works "charged twice for order 48213" against a running Remit, waiting for people."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from remit_client import Action, Remit, RemitError, Trace

INTENT = "Customer was charged twice for order 48213. Refund the duplicate and note it on the account."
SOURCES = [
    {"title": "Ticket 88213", "ref": "desk:ticket:88213"},
    {"title": "Order 48213", "ref": "desk:order:48213"},
    {"title": "Refund rules §3", "ref": "handbook:refunds:3"},
]
BODY = (
    "Hello,\n\nYou were charged twice for order 48213. We have refunded the duplicate charge of $240.00 to your card. "
    "We guarantee this won't happen again.\n\nNorthwind Support"
)
STEPS: list[dict[str, Any]] = [
    {"title": "Read charge and order", "tool": "desk.order.get", "arguments": {"order_id": "48213"}},
    {
        "title": "Refund the duplicate charge",
        "tool": "desk.refund.create",
        "arguments": {
            "order_id": "48213", "charge_id": "ch_3PqRa2", "amount": 24000, "currency": "USD", "reason": "duplicate",
        },
    },
    {
        "title": "Update account record",
        "tool": "desk.account.update",
        "arguments": {
            "account_id": "acct_5521",
            "fields": {
                "refund_status": "refunded",
                "last_contact_reason": "Duplicate charge refunded",
                "credit_limit": "12000.00",
            },
        },
    },
    {
        "title": "Email the customer",
        "tool": "desk.mail.send",
        "arguments": {"to": "ap@birch.example", "subject": "Your refund for order 48213", "body": BODY},
    },
]  # fmt: skip


def say(line: str) -> None:
    """One line to the terminal, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def work(remit: Remit, *, wait_s: float) -> int:
    """Open the trace, submit the plan, wait for people, report. Returns a process exit code."""
    trace = remit.open_trace(intent=INTENT, on_behalf_of="maya@northwind.example", sources=SOURCES)
    say(f"Show work: {trace.url}")
    actions = trace.plan(STEPS)
    for step, action in zip(STEPS, actions, strict=True):
        say(f"  {step['tool']:<22} {action.state:<10} {action.data['decision']['reason']}")
        if action.refused_fields:
            say(f"  {'':<22} refused fields: {', '.join(action.refused_fields)}")
        if action.approval_url:
            say(f"  {'':<22} a person decides at {action.approval_url}")
    return _report(trace, actions, wait_s) if wait_s > 0 else 0


def _report(trace: Trace, actions: Sequence[Action], wait_s: float) -> int:
    ended = [action.wait(timeout_s=wait_s) for action in actions]
    for action in ended:
        say(f"  {action.data['tool']:<22} {action.state:<10} {action.data['detail']}")
    done = all(action.state == "succeeded" for action in ended)
    say(f"{'Finished' if done else 'Stopped'}. {trace.url}")
    return 0 if done else 1


def main() -> int:
    """Read options; end with one sentence when Remit is not there or refuses."""
    parser = argparse.ArgumentParser(prog="python -m sample.agent", description="The sample refunds agent.")
    parser.add_argument("--url", default=os.environ.get("REMIT_URL", "http://127.0.0.1:8000"))
    parser.add_argument("--token", default=os.environ.get("REMIT_AGENT_TOKEN", ""))
    parser.add_argument("--wait", type=float, default=3600.0, help="seconds to wait for people; 0 returns at once")
    options = parser.parse_args()
    if not options.token:
        say("No agent token. Pass --token, or set REMIT_AGENT_TOKEN to the token that `make run` printed.")
        return 2
    remit = Remit(options.url, token=options.token)
    try:
        return work(remit, wait_s=options.wait)
    except RemitError as error:
        say(f"Remit refused: {error}")
    except TimeoutError as error:
        say(f"Stopped waiting. {error}")
    finally:
        remit.close()
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
