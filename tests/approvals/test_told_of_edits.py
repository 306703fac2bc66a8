"""An agent is told what a person changed of its call, over REST and MCP, before it runs and after (P3)."""

import pytest

from approvals.models import ApprovalRequest
from tests.approvals.test_questions import REFUND
from tests.approvals.test_typed_edit import send
from tests.builders import vote, work
from tests.gateway.mcp_client import call
from tests.gateway.test_mcp import facts
from tests.gateway.test_rest import get

CHANGED = {"amount": {"yours": 24000, "sent": 19999}}
SAID = "A person changed what you sent, see edited_fields: amount."


@pytest.fixture
def asked(cast):
    told = facts(call(REFUND["tool"], REFUND["arguments"], cast.token))
    assert told["edited_fields"] == {} and "A person changed" not in told["message"]
    return ApprovalRequest.objects.get(pk=told["approval_id"])


def wait(cast, asked):
    return facts(call("approval_wait", {"approval_id": asked.pk, "seconds": 1}, cast.token))


def test_while_it_waits_and_once_it_ran(cast, asked, desk):
    assert send(cast, asked, first="ken", amount="199.99").status_code == 302
    told = wait(cast, asked)
    assert told["decision"] == "needs_approval" and told["edited_fields"] == CHANGED and SAID in told["message"]
    for first in ("priya", "tomas"):
        vote(cast, asked, first)
    work(asked.trace)
    told, over_rest = wait(cast, asked), get(f"actions/{asked.action_id}", cast.token).json()
    assert told["decision"] == "executed" and SAID in told["message"]
    assert told["edited_fields"] == over_rest["edited_fields"] == CHANGED
    (made,) = desk.read("/orders/48213")["refunds"]
    assert desk.read(f"/refunds/{made}")["amount"] == 19999
