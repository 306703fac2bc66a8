"""An agent is shut out and let in again by one act with a reason: at both doors at once, and as the ledger says (N-02, P9)."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.access import AgentAuthFailed, Forbidden, authenticate_agent
from accounts.models import Agent
from accounts.services import AccountRefused, revoke_agent_token
from actions.agent_page import agent_rows
from actions.agents import let_in, shut_out
from tests.actions.test_agent_pages import browser
from tests.builders import action, planned, request_of, vote, work
from tests.gateway.test_bad_input import post, problem
from traces.models import Entry

TOOL = "desk.refund.create"
WHY = "It refunds what nobody asked for."
ASKED = {"intent": "Look at it.", "on_behalf_of": "maya@northwind.example"}


def stands(cast) -> str:
    return Agent.objects.get(pk=cast.agent.pk).state


def bodies() -> list[dict]:
    return [entry.record["body"] for entry in Entry.objects.filter(type="agent.changed").order_by("seq")]


def page(cast, first: str, path: str = "access/", *, proven: bool = False) -> str:
    return browser(cast, first, proven).get(f"/agents/{cast.agent.pk}/{path}").content.decode()


def send(cast, first: str, act: str, reason: str = WHY, *, proven: bool = False):
    return browser(cast, first, proven).post(f"/agents/{cast.agent.pk}/access/", {"act": act, "reason": reason})


def test_both_doors_close_at_once_and_open_again(cast, desk):
    trace = planned(cast)
    for first in ("priya", "tomas"):
        vote(cast, request_of(trace, TOOL), first)
    assert send(cast, "priya", "shut-out").status_code == 302
    refused = problem(post("traces", ASKED, cast.token), 401)
    assert refused["type"].endswith("agent-disabled") and "refunds-agent is shut out" in refused["detail"]
    work(trace)
    found = action(trace, TOOL)
    assert found.state == "blocked" and found.detail.startswith("refunds-agent is shut out.")
    assert desk.read("/orders/48213")["refunds"] == []
    assert send(cast, "dana", "let-in", proven=True).status_code == 302
    assert post("traces", ASKED, cast.token).status_code == 201
    work(trace)
    assert action(trace, TOOL).state == "blocked", "What was blocked meanwhile is not sent afterwards."


def test_the_ledger_says_who_from_what_to_what_and_why(cast):
    shut_out(actor=cast.actor("priya"), user=cast.user("priya"), agent_id=cast.agent.pk, reason=WHY)
    shut_out(actor=cast.actor("priya"), user=cast.user("priya"), agent_id=cast.agent.pk, reason=WHY)
    let_in(actor=cast.actor("dana"), user=cast.user("dana"), agent_id=cast.agent.pk, reason="It was the wrong order.")
    told = {"agent": {"id": cast.agent.pk, "name": "refunds-agent"}}
    assert bodies() == [
        told | {"was": {"state": "active"}, "now": {"state": "disabled"}, "reason": WHY},
        told | {"was": {"state": "disabled"}, "now": {"state": "active"}, "reason": "It was the wrong order."},
    ]
    assert WHY in browser(cast, "ava").get("/audit/").content.decode()


def test_operators_shut_out_and_owners_alone_let_in(cast):
    for first in ("ava", "ken", "maya"):
        assert send(cast, first, "shut-out").status_code in {403, 404}
    send(cast, "priya", "shut-out")
    assert send(cast, "priya", "let-in", proven=True).status_code == 403
    with pytest.raises(Forbidden):
        let_in(actor=cast.actor("priya"), user=cast.user("priya"), agent_id=cast.agent.pk, reason=WHY)
    unproven = send(cast, "dana", "let-in")
    assert unproven["Location"].startswith("/me/step-up/") and stands(cast) == "disabled"
    assert send(cast, "dana", "let-in", proven=True).status_code == 302 and stands(cast) == "active"


def test_a_reason_is_needed_and_bad_input_changes_nothing(cast):
    for act, reason in (("shut-out", "short"), ("shut-out", ""), ("shut-out", "x" * 501), ("", WHY), ("pause", WHY)):
        assert send(cast, "dana", act, reason).status_code == 422
    with pytest.raises(AccountRefused, match="Write why"):
        shut_out(actor=cast.actor("dana"), user=cast.user("dana"), agent_id=cast.agent.pk, reason="         short")
    assert stands(cast) == "active" and bodies() == []


def test_a_page_left_open_never_does_the_opposite(cast):
    """Two people have the page open: the second to press finds done what they meant to do."""
    assert send(cast, "priya", "shut-out").status_code == 302
    assert send(cast, "dana", "shut-out").status_code == 302
    assert stands(cast) == "disabled" and len(bodies()) == 1
    assert send(cast, "dana", "let-in", proven=True).status_code == 302
    assert send(cast, "dana", "let-in", proven=True).status_code == 302
    assert stands(cast) == "active" and len(bodies()) == 2


def test_the_page_says_first_what_would_happen(cast):
    planned(cast)
    assert "Shut out…" in page(cast, "priya", "") and "Shut out…" not in page(cast, "ava", "")
    told = page(cast, "priya")
    assert "2 wait for people." in told and "1 token and 0 OAuth clients." in told
    send(cast, "priya", "shut-out")
    assert "Let in again…" in page(cast, "dana", "") and "Let in again…" not in page(cast, "priya", "")
    (row,) = agent_rows(cast.northwind, [Agent.objects.get(pk=cast.agent.pk)])
    assert row.hold.word == "Shut out"
    revoke_agent_token(actor=cast.actor("dana"), credential=cast.agent.credentials.get())
    assert "It has none: issue a token first." in page(cast, "dana")


def test_what_waits_says_that_nothing_is_sent(cast):
    request = request_of(planned(cast), TOOL)
    send(cast, "priya", "shut-out")
    shown = browser(cast, "priya").get(f"/approvals/{request.pk}/").content.decode()
    assert "Nothing will be sent." in shown and "refunds-agent is shut out." in shown


def test_what_was_revoked_stays_revoked(cast):
    send(cast, "priya", "shut-out")
    revoke_agent_token(actor=cast.actor("dana"), credential=cast.agent.credentials.get())
    send(cast, "dana", "let-in", proven=True)
    with pytest.raises(AgentAuthFailed, match="revoked"):
        authenticate_agent(cast.token, audience="")


def test_the_shell_does_the_same(cast):
    name, out = f"northwind/{cast.agent.slug}", StringIO()
    call_command("remit_agent", name, shut_out=WHY, stdout=out)
    assert stands(cast) == "disabled"
    call_command("remit_agent", name, let_in=WHY, stdout=out)
    assert stands(cast) == "active"
    assert out.getvalue() == "refunds-agent is shut out.\nrefunds-agent is let in.\n"
    assert [body["reason"] for body in bodies()] == [WHY, WHY]
    for wrong, words in (({"agent": "northwind/none"}, "no agent"), ({"agent": name, "shut_out": "no"}, "Write why")):
        with pytest.raises(CommandError, match=words):
            call_command("remit_agent", wrong.pop("agent"), **wrong)
