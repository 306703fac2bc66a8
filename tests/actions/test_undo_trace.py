"""A whole trace undone, the newest change first: what is restored, what a new action makes up for, what stays (P10, F-07)."""

import pytest
from django.test import Client

from actions.models import Action
from actions.rollback import RollbackRefused, preview_trace
from actions.services import call_tool
from actions.switches import pause
from approvals.models import ApprovalRequest
from tests.actions.undoing import ESCALATE, TICKET, UPDATE, undo_all, with_compensation, wrote
from tests.builders import opened, planned, publish, request_of, sample_plain, vote, work
from traces.ledger import verify
from traces.models import Entry
from traces.show import show


def client(cast, first: str = "priya") -> Client:
    made = Client()
    made.force_login(cast.user(first), backend="django.contrib.auth.backends.ModelBackend")
    return made


@pytest.fixture
def three(cast):
    """Two changes of one account, and between them one of a ticket, in one trace."""
    trace = opened(cast)
    return [
        wrote(cast, trace=trace, owner_note="first", refund_status="refunded"),
        wrote(cast, TICKET, "88213", trace, note="noted"),
        wrote(cast, trace=trace, owner_note="second"),
    ]


def everything(trace) -> dict[str, list[str]]:
    return {item.action.pk: [row.field for row in item.restorable] for item in preview_trace(trace)}


def records(desk) -> list[dict]:
    return [desk.read("/accounts/acct_5521"), desk.read("/tickets/88213")]


def test_every_change_is_undone_in_reverse_order_in_one_linked_trace(cast, desk, three):
    trace = three[0].trace
    made = undo_all(cast, trace, everything(trace))
    undone = list(Action.objects.filter(trace=made.undo_trace).order_by("step"))
    assert [action.rollback_of for action in undone] == three[::-1] and made.state == "done"
    account, ticket = records(desk)
    assert (account["owner_note"], account["refund_status"], ticket["note"]) == ("", "none", "")
    assert {action.rollback_state for action in Action.objects.filter(trace=trace)} == {"rolled_back"}
    story, _ = show(trace, tab="")
    assert [link["steps"] for link in story.rolled_back_by] == [[3, 2, 1]] and verify(made.undo_trace).ok


def test_what_waited_for_people_and_left_last_is_undone_first(cast, desk):
    """The order of the effects counts, not that of the proposals: the later may stand on the earlier."""
    plain = sample_plain()
    plain["roles"]["refunds"]["tools"][UPDATE] = {"mode": "approval", "route": "account"}
    publish(cast, plain)
    trace = opened(cast)
    arguments = {"account_id": "acct_5521", "fields": {"owner_note": "a"}}
    asked = call_tool(actor=cast.agent_actor, agent=cast.agent, trace=trace, tool=UPDATE, arguments=arguments)
    at_once = wrote(cast, TICKET, "88213", trace, note="noted")
    vote(cast, ApprovalRequest.objects.get(action_id=asked.pk), "ken")
    work(trace)
    assert [item.action.pk for item in preview_trace(trace)] == [asked.pk, at_once.pk]
    made = undo_all(cast, trace, {asked.pk: ["owner_note"], at_once.pk: ["note"]})
    assert [item["action"] for item in made.todo] == [asked.pk, at_once.pk]


def test_an_earlier_change_is_not_undone_from_under_a_later_one(cast, desk, three):
    with pytest.raises(RollbackRefused, match="owner_note was changed by refunds-agent for Maya Chen"):
        undo_all(cast, three[0].trace, {three[0].pk: ["owner_note"]})
    assert records(desk)[0]["owner_note"] == "second"


def test_it_stops_at_the_first_that_does_not_succeed(cast, desk, three):
    plain = sample_plain()
    plain["roles"]["refunds"]["tools"][TICKET] = {"mode": "off"}
    publish(cast, plain)
    trace = three[0].trace
    made = undo_all(cast, trace, everything(trace))
    account, ticket = records(desk)
    assert (account["owner_note"], account["refund_status"], ticket["note"]) == ("first", "refunded", "noted")
    stopped = Entry.objects.get(trace=made.undo_trace, type="rollback.stopped").record["body"]
    assert made.state == "stopped" and stopped["done"] == 1 and stopped["left"] == [three[1].pk, three[0].pk]
    assert "Stopped" in client(cast).get(f"/traces/{made.undo_trace_id}/").content.decode()


def test_what_waits_for_people_holds_the_rest_and_the_worker_goes_on(cast, desk, three):
    plain = sample_plain()
    plain["roles"]["refunds"]["tools"][UPDATE] = {"mode": "approval", "route": "account"}
    publish(cast, plain)
    trace = three[0].trace
    made = undo_all(cast, trace, everything(trace))
    assert Action.objects.filter(trace=made.undo_trace).count() == 1 and records(desk)[1]["note"] == "noted"
    for _ in range(2):
        request = ApprovalRequest.objects.get(trace=made.undo_trace, state="open")
        vote(cast, request, "ken")
        work(made.undo_trace)
    made.refresh_from_db()
    account, ticket = records(desk)
    assert made.state == "done" and (account["owner_note"], account["refund_status"], ticket["note"]) == (
        "",
        "none",
        "",
    )


def test_what_moved_while_an_earlier_undo_waited_is_not_overwritten(cast, desk, three):
    plain = sample_plain()
    plain["roles"]["refunds"]["tools"][UPDATE] = {"mode": "approval", "route": "account"}
    publish(cast, plain)
    trace = three[0].trace
    made = undo_all(cast, trace, everything(trace))
    desk.patch("/tickets/88213", {"note": "by hand"})
    vote(cast, ApprovalRequest.objects.get(trace=made.undo_trace), "ken")
    work(made.undo_trace)
    made.refresh_from_db()
    account, ticket = records(desk)
    assert (account["owner_note"], account["refund_status"], ticket["note"]) == ("first", "refunded", "by hand")
    assert made.state == "stopped" and "note changed since" in made.detail


def test_a_compensable_change_is_made_up_for_by_the_call_its_tool_names(cast, desk):
    with_compensation(cast)
    step = {"title": "Close", "tool": ESCALATE, "arguments": {"ticket_id": "88213", "fields": {"status": "closed"}}}
    trace = planned(cast, [step])
    request = request_of(trace, ESCALATE)
    assert request.displayed["blast"][2]["detail"] == (
        "A new action makes up for it: desk.ticket.update. What stays: the mail to whoever is on call."
    )
    vote(cast, request, "ken")
    work(trace)
    done = Action.objects.get(trace=trace)
    assert done.inverse == {
        "how": "call", "tool": TICKET, "arguments": {"ticket_id": "88213", "fields": {"status": "open"}},
        "goes_to": done.tool.goes_to,
    }  # fmt: skip
    page = client(cast).get(f"/traces/{trace.pk}/roll-back/").content.decode()
    assert "Make up for it by" in page and "the mail to whoever is on call." in page
    assert f'value="{done.pk}" checked' not in page  # Never by default.
    answer = client(cast).post(f"/traces/{trace.pk}/roll-back/", {"call": done.pk, "reason": "Not needed."})
    done.refresh_from_db()
    assert answer.status_code == 302 and desk.read("/tickets/88213")["status"] == "open"
    assert done.rollback_state == "rolled_back"


class TestPage:
    def test_one_page_shows_what_is_reversible_what_needs_an_action_and_what_is_final(self, cast, desk):
        trace = planned(cast)
        for first in ("priya", "tomas"):
            vote(cast, request_of(trace, "desk.refund.create"), first)
        work(trace)
        mail = request_of(trace, "desk.mail.send")
        assert mail.displayed["blast"][2]["value"] == "No"  # Said before the approval.
        vote(cast, mail, "maya")
        work(trace)
        page = client(cast).get(f"/traces/{trace.pk}/roll-back/").content.decode()
        assert page.index("Email the customer") < page.index("Update 2 account fields") < page.index("Refund $240.00")
        assert "It cannot be taken back." in page and "needs a new action" in page and page.count('name="field"') == 2
        assert "ap@birch.example" not in page

    def test_unticked_and_moved_fields_stay(self, cast, desk):
        action = wrote(cast, owner_note="a", refund_status="refunded", last_contact_reason="other")
        desk.patch("/accounts/acct_5521", {"refund_status": "disputed"})
        url = f"/traces/{action.trace_id}/roll-back/"
        page = client(cast).get(url).content.decode()
        assert "changed outside Remit by test" in page and f"{action.pk}:refund_status" not in page
        ticked = [f"{action.pk}:owner_note"]
        refused = client(cast).post(url, {"field": [*ticked, f"{action.pk}:refund_status"], "reason": "Wrong one."})
        assert refused.status_code == 409 and desk.read("/accounts/acct_5521")["owner_note"] == "a"
        client(cast).post(url, {"field": ticked, "reason": "Wrong one."})
        account = desk.read("/accounts/acct_5521")
        assert (account["owner_note"], account["refund_status"]) == ("", "disputed")
        assert account["last_contact_reason"] == "other"

    def test_a_pause_between_page_and_button_undoes_nothing(self, cast, desk):
        action = wrote(cast, owner_note="a")
        target = action.tool.connection_id
        pause(actor=cast.actor("priya"), user=cast.user("priya"), workspace=cast.northwind, scope="connection",
              target=target, reason="Its secret may have leaked")  # fmt: skip
        url, seen = f"/traces/{action.trace_id}/roll-back/", len(desk.audit())
        answer = client(cast).post(url, {"field": [f"{action.pk}:owner_note"], "reason": "Wrong one."})
        assert answer.status_code == 409 and "is paused by Priya" in answer.content.decode()
        assert len(desk.audit()) == seen and desk.read("/accounts/acct_5521")["owner_note"] == "a"
        assert not Action.objects.filter(rollback_of=action).exists()
