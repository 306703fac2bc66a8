"""What moved between approval and dispatch: nothing runs, people see what it was, and one click asks again (P4, R-22, R-26)."""

import pytest
import yaml
from django.test import Client

from actions.models import Action
from actions.replan import ReplanRefused, replan
from actions.sweep import sweep
from actions.tools import load_tools
from approvals.models import ApprovalRequest
from tests.builders import action, planned, publish, request_of, sample_plain, vote, work
from tests.cast import WORLD
from traces.ledger import verify
from traces.models import Entry, Trace

REFUND, UPDATE = "desk.refund.create", "desk.account.update"


def approved(cast) -> Trace:
    trace = planned(cast)
    request = request_of(trace, REFUND)
    vote(cast, request, "priya")
    vote(cast, request, "tomas")
    return trace


def reworded(cast) -> None:
    data = yaml.safe_load((WORLD / "tools.yaml").read_text())
    next(tool for tool in data["tools"] if tool["name"] == REFUND)["description"] = "Give back money, quietly."
    load_tools(actor=cast.actor("dana"), workspace=cast.northwind, text=yaml.safe_dump(data), approve=True)


def tightened(cast) -> None:
    plain = sample_plain()
    plain["roles"]["refunds"]["tools"][REFUND] = {"mode": "off"}
    publish(cast, plain)


@pytest.mark.parametrize(
    ("drift", "what"), [(reworded, "Tool definition"), (tightened, "Policy Support")], ids=["tool", "policy"]
)
def test_approval_goes_stale_and_names_what_moved(cast, desk, drift, what):
    trace = approved(cast)
    drift(cast)
    work(trace)
    found = action(trace, REFUND)
    assert found.state == "blocked" and [row["what"] for row in found.drift] == [what]
    assert found.drift[0]["approved"] != found.drift[0]["now"] and found.drift[0]["at"]
    assert request_of(trace, REFUND).state == "stale" and desk.read("/orders/48213")["refunds"] == []
    types = list(Entry.objects.filter(trace=trace).values_list("type", flat=True))
    assert types.index("action.blocked") < types.index("approval.stale") and verify(trace).ok


def test_moved_fields_stand_old_beside_new(cast, desk):
    trace = approved(cast)
    desk.patch("/accounts/acct_5521", {"owner_note": "changed by someone"})
    work(trace)
    found = action(trace, UPDATE)
    rows = {row["what"]: (row["approved"], row["now"]) for row in found.drift}
    assert (
        found.state == "blocked" and rows["owner_note"][1] == "changed by someone" and "Version of the record" in rows
    )
    page = client(cast, "maya").get(f"/actions/{found.pk}/drift/").content.decode()
    assert "changed by someone" in page and "Ask for it again" in page
    assert f"/actions/{found.pk}/drift/" in client(cast, "maya").get(f"/traces/{trace.pk}/").content.decode()


def test_sensitive_values_that_moved_are_named_by_kind(cast, desk):
    trace = approved(cast)
    desk.patch("/accounts/acct_5521", {"billing_email": "new-address@birch.example"})
    work(trace)
    found = action(trace, UPDATE)
    texts = "".join(Entry.objects.filter(trace=trace).values_list("canonical", flat=True))
    assert {row["what"]: row["now"] for row in found.drift}["billing_email"] == "[email]"
    assert "new-address@birch.example" not in texts + str(found.drift)


def test_one_click_asks_again_and_nothing_of_the_old_approval_counts(cast, desk):
    trace = approved(cast)
    reworded(cast)
    work(trace)
    old = action(trace, REFUND)
    answer = client(cast, "maya").post(f"/actions/{old.pk}/ask-again/")
    assert answer.status_code == 302
    new = Action.objects.get(replan_of=old)
    assert (new.state, new.trace, new.proposed, new.acting_user) == ("pending", trace, old.proposed, None)
    assert new.nonce != old.nonce and new.digest != old.digest
    again = ApprovalRequest.objects.get(action_id=new.pk)
    vote(cast, again, "priya")
    vote(cast, again, "tomas")
    work(trace)
    assert Action.objects.get(pk=new.pk).state == "succeeded" and len(desk.read("/orders/48213")["refunds"]) == 1
    with pytest.raises(ReplanRefused, match="already"):
        replan(actor=cast.actor("maya"), user=cast.user("maya"), action=old)


def test_what_did_not_drift_cannot_be_asked_again_and_not_by_everyone(cast):
    trace = approved(cast)
    with pytest.raises(ReplanRefused, match="not out of date"):
        replan(actor=cast.actor("maya"), user=cast.user("maya"), action=action(trace, REFUND))
    reworded(cast)
    work(trace)
    with pytest.raises(ReplanRefused, match="Maya"):
        replan(actor=cast.actor("tomas"), user=cast.user("tomas"), action=action(trace, REFUND))


def test_r22_pending_approval_of_a_changed_tool_ends(cast):
    trace = planned(cast)
    reworded(cast)
    sweep()
    sweep()
    found = action(trace, REFUND)
    assert (
        request_of(trace, REFUND).state == "stale" and found.state == "stale" and "definition changed" in found.detail
    )


def client(cast, first: str) -> Client:
    opened = Client()
    opened.force_login(cast.user(first), backend="django.contrib.auth.backends.ModelBackend")
    return opened
