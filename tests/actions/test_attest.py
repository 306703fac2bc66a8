"""What nobody could find out: one person with evidence, a second who looked too, both in the ledger (F-02, 4.1)."""

import pytest
from django.test import Client

from accounts.access import Forbidden, NotVisible
from accounts.models import Membership, User
from accounts.permissions import Role
from accounts.services import remove_member
from actions.attest import AttestationRefused, answer, attest
from actions.doubts import needing
from actions.models import Action, Attestation
from actions.services import call_tool
from policies.models import DecisionRecord, LimitHold
from tests.actions.doubt import REFUND
from tests.actions.test_reconcile import as_class_c, reload_as
from tests.builders import opened
from traces.ledger import verify
from traces.models import Entry
from traces.show import show

TOOL, BACKEND = "desk.refund.create", "django.contrib.auth.backends.ModelBackend"
SEEN = "The refund stands in the desk's list at 09:41, for $60.00."
LINK = "https://desk.example/refunds/re_1"


@pytest.fixture
def doubtful(cast, desk) -> Action:
    reload_as(cast, TOOL, as_class_c)
    desk.fault("reset_after")
    found = call_tool(actor=cast.agent_actor, agent=cast.agent, trace=opened(cast), tool=TOOL, arguments=REFUND)
    assert found.state == "needs_human"
    return Action.objects.select_related("workspace").get(pk=found.pk)


def say(cast, action, first="priya", *, succeeded=True, evidence=SEEN, link=LINK) -> Attestation:
    return attest(
        actor=cast.actor(first), user=cast.user(first), action=action, succeeded=succeeded, evidence=evidence, link=link
    )


def second(cast, said, first="dana", *, agree=True, reason="") -> Attestation:
    return answer(actor=cast.actor(first), user=cast.user(first), attestation_id=said.pk, agree=agree, reason=reason)


@pytest.mark.parametrize(
    ("succeeded", "state", "hold", "outcome"),
    [(True, "succeeded_attested", "settled", "succeeded"), (False, "failed_attested", "released", "failed")],
)
def test_two_people_settle_it(cast, doubtful, succeeded, state, hold, outcome):
    said = say(cast, doubtful, succeeded=succeeded)
    assert Action.objects.get(pk=doubtful.pk).state == "needs_human", "One person's word is not enough."
    second(cast, said)
    found = Action.objects.get(pk=doubtful.pk)
    assert found.state == state and LimitHold.objects.get(action_id=found.pk).state == hold
    assert DecisionRecord.objects.get(action_id=found.pk).outcome == outcome
    last = list(Entry.objects.filter(trace=found.trace).order_by("seq"))[-2:]
    assert [entry.type for entry in last] == ["action.attested", "action.attestation_confirmed"]
    assert [entry.record["actor"]["name"] for entry in last] == [cast.user("priya").name, cast.user("dana").name]
    assert verify(found.trace).ok
    story, _ = show(found.trace, tab="")
    assert story.finished and SEEN in story.steps[0]["detail"]


def test_nobody_confirms_their_own_word(cast, doubtful):
    said = say(cast, doubtful)
    with pytest.raises(AttestationRefused, match="yourself"):
        second(cast, said, "priya")
    assert Action.objects.get(pk=doubtful.pk).state == "needs_human"


def test_r24_another_account_of_the_same_human_confirms_nothing(cast, doubtful):
    """One mailbox, two accounts: what stands behind a + only sorts mail."""
    said = say(cast, doubtful)
    User.objects.filter(pk=cast.user("dana").pk).update(email="priya+second@northwind.example")
    other = User.objects.get(pk=cast.user("dana").pk)
    with pytest.raises(AttestationRefused, match="yourself"):
        answer(actor=cast.actor("dana"), user=other, attestation_id=said.pk, agree=True, reason="")
    assert needing(other, cast.northwind) == [] and Action.objects.get(pk=doubtful.pk).state == "needs_human"


def test_r24_the_word_of_who_may_no_longer_say_it_is_not_confirmed(cast, doubtful):
    said = say(cast, doubtful)
    for member in Membership.objects.filter(user=cast.user("priya"), workspace=cast.northwind):
        remove_member(actor=cast.actor("dana"), workspace=cast.northwind, user=member.user, role=Role(member.role))
    with pytest.raises(AttestationRefused, match="may no longer say this"):
        second(cast, said)
    second(cast, said, agree=False, reason="They are gone; I look for myself.")
    assert Action.objects.get(pk=doubtful.pk).state == "needs_human"


def test_r33_evidence_repeats_no_sensitive_value_in_the_ledger(cast, doubtful):
    Action.objects.filter(pk=doubtful.pk).update(redact={"reason": "note", "charge_id": "charge"})
    action = Action.objects.select_related("workspace").get(pk=doubtful.pk)
    said = say(cast, action, evidence="The list of the desk shows ch_3PqRc1 as paid back.")
    second(cast, said)
    entries = Entry.objects.filter(trace=action.trace, type__startswith="action.attest")
    told = "".join(entries.values_list("canonical", flat=True))
    assert "ch_3PqRc1" not in told and "[charge] as paid back" in told


@pytest.mark.parametrize(("evidence", "link"), [("Looks done.", LINK), (SEEN, ""), (SEEN, "javascript:alert(1)")])
def test_evidence_is_needed(cast, doubtful, evidence, link):
    with pytest.raises(AttestationRefused):
        say(cast, doubtful, evidence=evidence, link=link)
    assert not Attestation.objects.exists()


def test_who_saw_something_else_opens_the_question_again(cast, doubtful):
    said = say(cast, doubtful)
    with pytest.raises(AttestationRefused, match="what you saw"):
        second(cast, said, agree=False)
    second(cast, said, agree=False, reason="There is no such refund in the list.")
    assert Action.objects.get(pk=doubtful.pk).state == "needs_human"
    with pytest.raises(AttestationRefused, match="already"):
        second(cast, said)
    second(cast, say(cast, doubtful, "dana", succeeded=False), "priya")
    assert Action.objects.get(pk=doubtful.pk).state == "failed_attested"


def test_one_open_word_at_a_time_and_none_after_the_end(cast, doubtful):
    said = say(cast, doubtful)
    with pytest.raises(AttestationRefused, match="meanwhile"):
        say(cast, doubtful, "dana")
    second(cast, said)
    with pytest.raises(AttestationRefused, match="does not need"):
        say(cast, doubtful)


def test_only_those_who_may_change_what_stands(cast, doubtful):
    said = say(cast, doubtful)
    for first, error in (("maya", Forbidden), ("tomas", Forbidden), ("omar", NotVisible)):
        with pytest.raises(error):
            say(cast, doubtful, first)
        with pytest.raises(error):
            second(cast, said, first)


def page(cast, first: str) -> Client:
    client = Client()
    client.force_login(cast.user(first), backend=BACKEND)
    return client


def test_pages_lead_two_people_through_it(cast, doubtful):
    url = f"/actions/{doubtful.pk}/attest/"
    first, other = page(cast, "priya"), page(cast, "dana")
    home = first.get("/").content.decode()
    assert "Did it happen? Refund $60.00 on order 48401" in home and url in home
    shown = first.get(url).content.decode()
    assert "What was sent" in shown and doubtful.pk in shown and "a person must look" in shown
    assert first.post(url, {"succeeded": "yes", "evidence": "short", "link": LINK}).status_code == 422
    assert first.post(url, {"succeeded": "yes", "evidence": SEEN, "link": LINK}).status_code == 302
    assert "someone else confirms it" in first.get(url).content.decode() and url not in first.get("/").content.decode()
    said = Attestation.objects.get()
    mine = first.post(f"{url}{said.pk}/", {"agree": "yes"})
    assert mine.status_code == 409 and "yourself" in mine.content.decode()
    assert "a second person confirms" in other.get("/").content.decode()
    assert other.post(f"{url}{said.pk}/", {"agree": "yes"}).status_code == 302
    assert Action.objects.get(pk=doubtful.pk).state == "succeeded_attested"
    assert "Nothing is needed from you" in other.get(url).content.decode()


def test_pause_page_holds_and_releases(cast):
    client = page(cast, "priya")
    assert "Nothing is paused" in client.get("/pause/").content.decode()
    why = "Amounts look wrong since noon."
    assert client.post("/pause/", {"what": f"agent:{cast.agent.pk}", "reason": "x"}).status_code == 422
    assert client.post("/pause/", {"what": f"agent:{cast.agent.pk}", "reason": why}).status_code == 302
    shown = client.get("/pause/").content.decode()
    assert "1 paused now" in shown and why in shown and "refunds-agent paused" in shown
    switch = cast.northwind.kill_switches.get()
    client.post(f"/pause/{switch.pk}/release/", {"reason": "Looked at it, amounts are right."})
    assert "All agents running" in client.get("/").content.decode()


def test_metrics_count_what_is_in_doubt(cast, doubtful):
    told = Client().get("/metrics").content.decode()
    assert 'remit_actions{state="needs_human"} 1.0' in told and 'remit_actions{state="unknown"} 0.0' in told
    assert float(told.split("remit_needs_human_oldest_seconds ")[-1].split("\n")[0]) > 0
    assert cast.northwind.slug not in told and doubtful.pk not in told


def test_p7_metrics_are_for_the_operator_alone(cast, settings):
    assert Client().get("/metrics", REMOTE_ADDR="10.0.0.9").status_code == 404
    assert Client().get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 404
    settings.REMIT_METRICS_TOKEN = "a-long-token"
    assert Client().get("/metrics").status_code == 404
    assert Client().get("/metrics", headers={"Authorization": "Bearer a-long-token"}).status_code == 200
