"""Some steps of a plan approved, one edited, another rejected: each person decides each step, on one page or alone (F-07)."""

import pytest
from django.test import Client, TestCase

from actions.models import Action
from actions.sweep import sweep
from approvals.models import ApprovalRequest, Verdict
from tests.builders import planned, publish, request_of, sample_plain, work
from tests.held import row_held
from tests.stepup.conftest import ask_for

UPDATE = "desk.account.update"


def update(account: str, text: str) -> dict:
    arguments = {"account_id": account, "fields": {"owner_note": text}}
    return {"title": f"Note on {account}", "tool": UPDATE, "arguments": arguments}


LETTER = {
    "title": "Write", "tool": "desk.mail.send",
    "arguments": {"to": "ap@birch.example", "subject": "Hello", "body": "A letter."},
}  # fmt: skip
READ = {"title": "Read", "tool": "desk.order.get", "arguments": {"order_id": "48213"}}


@pytest.fixture
def asked(cast):
    """Two updates that a support lead decides, with a letter between them."""
    plain = sample_plain()
    plain["roles"]["refunds"]["tools"][UPDATE] = {"mode": "approval", "route": "account"}
    publish(cast, plain)
    return planned(cast, [READ, update("acct_5521", "first"), LETTER, update("acct_5522", "second")])


def client(cast, first: str) -> Client:
    opened = Client()
    opened.force_login(cast.user(first), backend="django.contrib.auth.backends.ModelBackend")
    return opened


def requests(trace) -> dict[int, ApprovalRequest]:
    steps = dict(Action.objects.filter(trace=trace).values_list("pk", "step"))
    return {steps[found.action_id]: found for found in ApprovalRequest.objects.filter(trace=trace)}


def decide(cast, trace, first: str, choices: dict[int, str], **changed: str):
    """The form as posted; what people settled is carried over as after a commit."""
    found, data = requests(trace), {}
    for step, choice in choices.items():
        pk = found[step].pk
        data |= {f"choice-{pk}": choice, f"digest-{pk}": found[step].digest, f"reason-{pk}": "Because."}
    url = f"/plans/{trace.plans.get().pk}/decide/"
    with TestCase.captureOnCommitCallbacks(execute=True):
        return client(cast, first).post(url, {**data, **changed}, follow=True)


def states(trace) -> list[str]:
    return list(Action.objects.filter(trace=trace).order_by("step").values_list("state", flat=True))


def test_every_step_stands_on_the_page_and_what_this_person_may_decide_can_be_decided_there(cast, asked):
    page = client(cast, "priya").get(f"/plans/{asked.plans.get().pk}/").content.decode()
    found = requests(asked)
    assert "Plan of 4 steps" in page and "first" in page and "second" in page
    assert f"choice-{found[2].pk}" in page and f"choice-{found[4].pk}" in page
    assert f"choice-{found[3].pk}" not in page and f"/approvals/{found[3].pk}/" in page  # A letter has its own page.
    theirs = client(cast, "tomas").get(f"/plans/{asked.plans.get().pk}/").content.decode()
    assert "choice-" not in theirs and "Step 1 is decided by Support lead" in theirs


def test_a_step_whose_row_is_held_stops_no_other_and_is_told(transactional_db, cast, asked):
    found, priya, address = requests(asked), client(cast, "priya"), f"/plans/{asked.plans.get().pk}/"
    data = {
        f"{name}-{found[n].pk}": value
        for n in (2, 4)
        for name, value in (("choice", "approve"), ("digest", found[n].digest))
    }
    with row_held(found[2].pk):
        assert priya.post(f"{address}decide/", data).status_code == 302
    page = priya.get(address).content.decode()
    assert "1 approved." in page and "The database did not answer in time." in page
    assert [Verdict.objects.filter(request=found[step]).count() for step in (2, 4)] == [0, 1]


def test_approved_steps_run_and_the_rejected_one_stops_what_follows(cast, desk, asked):
    answer = decide(cast, asked, "priya", {2: "approve", 4: "reject"})
    assert "1 approved, 1 rejected." in answer.content.decode()
    work(asked)
    assert states(asked) == ["succeeded", "succeeded", "pending", "rejected"]
    assert desk.read("/accounts/acct_5521")["owner_note"] == "first"
    assert desk.read("/accounts/acct_5522")["owner_note"] == ""


def test_rejecting_an_early_step_takes_the_later_ones_along(cast, desk, asked):
    decide(cast, asked, "priya", {2: "reject"})
    assert states(asked) == ["succeeded", "rejected", "withdrawn", "withdrawn"]
    late = decide(cast, asked, "priya", {4: "approve"})
    assert "already withdrawn" in late.content.decode() and states(asked)[3] == "withdrawn"
    assert desk.read("/accounts/acct_5522")["owner_note"] == ""


def test_a_plan_that_stops_again_earlier_says_so_and_leaves_nothing_waiting(cast, asked):
    decide(cast, asked, "priya", {4: "reject"})
    assert asked.plans.get().stopped_at_step == 4
    decide(cast, asked, "priya", {2: "reject"})
    assert asked.plans.get().stopped_at_step == 2 and states(asked) == [
        "succeeded",
        "rejected",
        "withdrawn",
        "rejected",
    ]


def test_the_sweeper_carries_an_earlier_stop_on(cast, asked):
    decide(cast, asked, "priya", {4: "reject"})
    Action.objects.filter(trace=asked, step=2).update(state="expired")  # Its process died before it cancelled the rest.
    sweep()
    assert asked.plans.get().stopped_at_step == 2 and states(asked) == ["succeeded", "expired", "withdrawn", "rejected"]


def test_p4_a_payload_that_changed_meanwhile_is_not_decided(cast, asked):
    pk = requests(asked)[2].pk
    answer = decide(cast, asked, "priya", {2: "approve", 4: "approve"}, **{f"digest-{pk}": "sha256:other"})
    assert (
        "The payload changed after you opened it" in answer.content.decode()
        and "1 approved." in answer.content.decode()
    )
    assert requests(asked)[2].state == "open"


def test_what_cannot_be_taken_back_is_not_decided_beside_others(cast, asked):
    answer = decide(cast, asked, "priya", {3: "approve"})
    assert "decided on its own page" in answer.content.decode() and requests(asked)[3].state == "open"


def test_e03_what_is_only_compensated_is_not_decided_beside_others(cast):
    """A refund is undone by another act, not by restoring its fields."""
    trace = planned(cast)
    refund = request_of(trace, "desk.refund.create")
    assert refund.displayed["reversibility"] == "compensable"
    page = client(cast, "priya").get(f"/plans/{trace.plans.get().pk}/").content.decode()
    assert f"choice-{refund.pk}" not in page and f"/approvals/{refund.pk}/" in page
    step = Action.objects.get(pk=refund.action_id).step
    answer = decide(cast, trace, "priya", {step: "approve"})
    assert "decided on its own page" in answer.content.decode() and not Verdict.objects.exists()


def test_a_person_resumes_from_the_page_and_others_may_not(cast, asked):
    decide(cast, asked, "priya", {2: "reject"})
    plan = asked.plans.get()
    page = client(cast, "priya").get(f"/plans/{plan.pk}/").content.decode()
    assert "Resume from step 2" in page and "Done until it stopped" in page
    assert "or an operator can resume it" in client(cast, "tomas").get(f"/plans/{plan.pk}/").content.decode()
    assert client(cast, "tomas").post(f"/plans/{plan.pk}/resume/").status_code == 403
    answer = client(cast, "maya").post(f"/plans/{plan.pk}/resume/", follow=True)
    assert "Resumed as a new plan" in answer.content.decode() and plan.resumed_as.actions.count() == 3


def test_v7_chosen_approvals_that_lack_a_step_up_are_kept_and_nothing_is_recorded(cast, asked):
    ask_for(cast, "totp")
    done = decide(cast, asked, "priya", {2: "approve", 4: "reject"})
    assert done.redirect_chain[0][0] == "/me/step-up/?next=%2Fresume%2F"
    assert not Verdict.objects.exists() and set(states(asked)) == {"succeeded", "pending"}
    decide(cast, asked, "priya", {4: "reject"})
    assert Verdict.objects.get().choice == "reject"


def test_v7_what_a_passkey_signs_is_decided_on_its_own_page(cast, asked):
    ask_for(cast, "passkey")
    page = client(cast, "priya").get(f"/plans/{asked.plans.get().pk}/").content.decode()
    assert f"choice-{requests(asked)[2].pk}" not in page
    decide(cast, asked, "priya", {2: "approve"})
    assert not Verdict.objects.exists()
