"""A tool whose definition changed is blocked until an admin decides (R-22): the rug pull, end to end."""

import pytest
import yaml
from django.test import Client

from accounts.access import Forbidden
from accounts.actors import system_actor
from actions.models import Tool
from actions.services import run_and_advance
from actions.sweep import _ring_waiting
from actions.tool_versions import DecisionRefused, decide, difference
from actions.tools import load_tools
from tests.builders import action, planned, request_of, vote, work
from tests.cast import WORLD
from traces.models import Entry

REFUND = "desk.refund.create"
BACKEND = "django.contrib.auth.backends.ModelBackend"


def pulled(cast, description: str = "Give back money, quietly.", approve: bool = False) -> Tool:
    data = yaml.safe_load((WORLD / "tools.yaml").read_text())
    next(tool for tool in data["tools"] if tool["name"] == REFUND)["description"] = description
    load_tools(actor=cast.actor("dana"), workspace=cast.northwind, text=yaml.safe_dump(data), approve=approve)
    return Tool.objects.get(workspace=cast.northwind, name=REFUND)


def settle(cast, approve: bool, first: str = "ken", digest: str = "", reason: str = "Read it line by line."):
    waiting = Tool.objects.get(workspace=cast.northwind, name=REFUND).versions.get(state="waiting")
    return decide(
        actor=cast.actor(first), user=cast.user(first), workspace=cast.northwind, name=REFUND,
        digest=digest or waiting.digest, approve=approve, reason=reason,
    )  # fmt: skip


def approved(cast):
    trace = planned(cast)
    for first in ("priya", "tomas"):
        vote(cast, request_of(trace, REFUND), first)
    return trace


def test_an_approved_call_waits_and_nothing_is_sent(cast, desk):
    trace = approved(cast)
    before = Tool.objects.get(workspace=cast.northwind, name=REFUND).digest
    assert pulled(cast).digest == before, "the definition in force stays"
    assert _ring_waiting() == 0, "and the sweeper does not ring for it"
    work_once(trace)
    assert action(trace, REFUND).state == "authorized" and desk.read("/orders/48213")["refunds"] == []


def work_once(trace):
    run_and_advance(actor=system_actor("worker", trace.workspace_id), action_id=action(trace, REFUND).pk)


def test_a_new_call_is_denied_with_the_reason(cast):
    pulled(cast)
    found = action(planned(cast), REFUND)
    assert found.decision["effect"] == "deny" and "definition of desk.refund.create changed" in found.decision["reason"]


def test_the_earlier_definition_kept_lets_the_approved_call_go_on(cast, desk):
    trace = approved(cast)
    pulled(cast)
    settle(cast, approve=False)
    work(trace)
    assert action(trace, REFUND).state == "succeeded"


def test_the_new_definition_in_force_blocks_what_was_approved_under_the_old(cast, desk):
    trace = approved(cast)
    pulled(cast)
    settle(cast, approve=True)
    work(trace)
    found = action(trace, REFUND)
    assert found.state == "blocked" and "definition changed" in found.detail
    assert desk.read("/orders/48213")["refunds"] == []


def test_only_a_policy_admin_decides_on_what_they_were_shown_with_a_reason(cast):
    pulled(cast)
    with pytest.raises(Forbidden):
        settle(cast, approve=True, first="priya")
    with pytest.raises(DecisionRefused, match="no longer waits"):
        settle(cast, approve=True, digest="sha256:other")
    with pytest.raises(DecisionRefused, match="10 characters"):
        settle(cast, approve=True, reason="ok")
    assert Tool.objects.get(workspace=cast.northwind, name=REFUND).versions.filter(state="waiting").exists()


def test_each_step_stands_in_the_ledger_with_old_and_new(cast):
    was = Tool.objects.get(workspace=cast.northwind, name=REFUND).digest
    pulled(cast)
    pulled(cast, "Another wording.")
    made = settle(cast, approve=True)
    told = [entry.record for entry in Entry.objects.filter(type__startswith="tool.").order_by("-pk")[:4]]
    assert [one["type"] for one in told] == ["tool.approved", "tool.changed", "tool.withdrawn", "tool.changed"]
    assert told[0]["body"]["was"]["definition"] == was and told[0]["body"]["now"]["definition"] == made.digest
    assert told[0]["actor"]["name"] == "Ken Abe" and told[3]["actor"]["name"] == "Dana Ortiz"


def test_loading_the_definition_in_force_again_unblocks(cast):
    pulled(cast)
    load_tools(actor=cast.actor("dana"), workspace=cast.northwind, text=(WORLD / "tools.yaml").read_text())
    assert action(planned(cast), REFUND).state == "pending"


def test_the_page_shows_the_difference_and_approving_needs_a_step_up(cast):
    pulled(cast)
    ken = Client()
    ken.force_login(cast.user("ken"), backend=BACKEND)
    page = ken.get(f"/tools/{REFUND}/").content.decode()
    assert "Give back money, quietly." in page and "nothing of this tool is sent" in page
    digest = Tool.objects.get(workspace=cast.northwind, name=REFUND).versions.get(state="waiting").digest
    sent = {"digest": digest, "choice": "approve", "reason": "Read it line by line."}
    answer = ken.post(f"/tools/{REFUND}/definition/", sent)
    assert answer.status_code == 302 and answer["Location"].startswith("/me/step-up/")
    assert Tool.objects.get(workspace=cast.northwind, name=REFUND).versions.filter(state="waiting").exists()
    ken.post(f"/tools/{REFUND}/definition/", {**sent, "choice": "refuse"})
    assert "Refused" in ken.get(f"/tools/{REFUND}/").content.decode()


@pytest.mark.parametrize(
    ("old", "new", "paths"),
    [
        ({"a": 1}, {"a": 2}, ["a"]),
        ({"a": {"b": [1]}}, {"a": {"b": [1, 2]}}, ["a.b"]),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1}, {"c": 2}]}, ["a[1].c"]),
        ({"a": {}}, {"a": {"b": None}}, ["a", "a.b"]),
        ({"a": True}, {"a": True}, []),
    ],
)
def test_the_difference_names_every_leaf(old, new, paths):
    assert [line.path for line in difference(old, new)] == paths
