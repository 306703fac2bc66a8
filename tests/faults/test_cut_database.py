"""The database goes away in the middle: its connection is cut at any statement or commit, or it only reads (F2, F12)."""

import json
from functools import partial

import pytest
from django.test import Client

from accounts.actors import actor_for_user
from actions.models import Action, IdempotencyKey
from actions.services import apply_verdict
from actions.sweep import sweep
from actions.tasks import run_action
from approvals.models import ApprovalRequest, Verdict
from approvals.services import AlreadyDecided, NotEntitled, record_verdict
from tests.builders import action, opened, planned, publish, request_of, sample_plain
from tests.faults.campaign import authorized, come_to_rest, verdict
from tests.faults.wired import over_the_wire, spread
from traces.checkpoints.clock import tick
from traces.ledger import verify

REFUND = "desk.refund.create"


def judged(actions, remote, words: str) -> None:
    come_to_rest(actions)
    found = verdict(actions, remote)
    print(f"{words}: {found}")  # noqa: T201 - the figures that are published
    assert found.fatal == ()


def harmed_runs(shop, klass: str, how: list[str], count: int, *, commits: bool = False) -> list[Action]:
    """Run actions, each with its connection harmed once, at points spread over the whole path."""
    first = authorized(shop, klass)
    whole = over_the_wire(lambda: run_action(first.pk))
    # The intent, with the claim where nobody is asked before it, and the outcome: each on disk before anything goes on.
    assert whole.commits >= 2 and Action.objects.get(pk=first.pk).state == "succeeded"
    # A session turns read-only between two transactions; after the last there is none to turn.
    total, actions = whole.commits if commits else whole.statements - 10 * ("read_only" in how), [first]
    for round_, at in enumerate(spread(count, total) if not commits else [1 + n % total for n in range(count)]):
        tick()
        found = authorized(shop, klass)
        passed = over_the_wire(lambda pk=found.pk: run_action(pk), how[round_ % len(how)], at)
        # The first run may hold statements that the next ones have no need of, so a point may lie behind the end.
        assert passed.harmed or at > (passed.commits if commits else passed.statements), (
            f"{how} at {at} harmed nothing."
        )
        actions.append(found)
    return actions


@pytest.mark.parametrize("klass", "abc")
def test_f12_cut_at_every_statement_of_the_execution_path(shop, remote, klass, count):
    actions = harmed_runs(shop, klass, ["before", "after"], count)
    judged(actions, remote, f"cut at a statement, class {klass}")


@pytest.mark.parametrize("klass", "abc")
def test_f2_commit_is_made_and_its_answer_never_arrives(shop, remote, klass, count):
    actions = harmed_runs(shop, klass, ["commit"], count, commits=True)
    judged(actions, remote, f"commit without its answer, class {klass}")


@pytest.mark.parametrize("klass", "abc")
def test_f12_database_that_turns_read_only_on_the_way(shop, remote, klass, count):
    actions = harmed_runs(shop, klass, ["read_only"], count)
    judged(actions, remote, f"read-only from a statement on, class {klass}")


def ask(shop, trace, key: str, klass: str = "b", amount: int = 1) -> int:
    """Other amounts are other calls: the same one under another key joins what still runs."""
    body = {"trace_id": trace.pk, "tool": f"shop.order.{klass}", "arguments": {"item": "tea", "amount": amount}}
    head = {"Authorization": f"Bearer {shop.token}", "Idempotency-Key": key}
    return (
        Client().post("/api/v1/tool-calls", json.dumps(body), content_type="application/json", headers=head).status_code
    )


def test_f2_proposal_without_an_answer_is_one_action_when_it_is_asked_again(shop, remote, count):
    trace = opened(shop)
    ask(shop, trace, "key-first")  # Notes the use of the token, as the first call of each minute does.
    whole = over_the_wire(lambda: ask(shop, trace, "key-0"))
    for number in range(1, count + 1):
        tick()  # The clock goes on: without checkpoints nothing is dispatched (F13).
        key = f"key-{number}"
        once = partial(ask, shop, trace, key, amount=1 + number)
        assert over_the_wire(once, "commit", 1 + number % whole.commits).harmed
        # A first request that recorded nothing and died keeps its key for two minutes; they pass.
        row = IdempotencyKey.objects.filter(key=key)
        row.update(created_at="2026-01-01T00:00:00Z")
        assert once() in {200, 202}
        made = row.get().resource
        assert Action.objects.filter(pk=made).count() == 1
    actions = list(Action.objects.filter(trace=trace))
    assert len(actions) == count + 2, "One action a key, however often it was asked for."
    judged(actions, remote, "proposal without an answer, asked again")


def vote(shop, found: ApprovalRequest, first: str) -> None:
    user = shop.user(first)
    record_verdict(
        actor=actor_for_user(user, shop.northwind), user=user, request_id=found.pk, choice="approve", reason="",
        digest=found.digest,
    )  # fmt: skip
    apply_verdict(request_id=found.pk)


def test_f2_vote_without_an_answer_counts_once(shop, count):
    plain = sample_plain()
    for limit in plain["limits"]:
        limit["max"] *= 100 if limit["id"] != "refund.auto" else 1  # The day's budget is not what is tried here.
    publish(shop, plain)
    found = request_of(planned(shop), REFUND)
    whole = over_the_wire(lambda: vote(shop, found, "priya"))
    for number in range(count):
        tick()
        asked = request_of(planned(shop), REFUND)
        assert over_the_wire(lambda f=asked: vote(shop, f, "priya"), "commit", 1 + number % whole.commits).harmed
        with pytest.raises((AlreadyDecided, NotEntitled)):  # It stands; voting again is refused.
            vote(shop, asked, "priya")
        assert Verdict.objects.filter(request=asked, void=False).count() == 1
        vote(shop, asked, "tomas")
        sweep()
        assert action(asked.trace, REFUND).state == "authorized" and verify(asked.trace).ok
