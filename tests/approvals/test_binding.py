"""Approve A, execute B (R-20, B-03, P4): every mutation on every way in runs nothing, and the ledger says why."""

import pytest
from django.db import transaction
from django.test import Client

from actions.models import Action
from actions.services import apply_verdict
from actions.tasks import run_action
from approvals.models import ApprovalRequest
from approvals.refusals import VerdictRefused
from approvals.services import record_verdict
from sample.agent.__main__ import STEPS
from tests.approvals.mutations import MUTATIONS, REFUND, world
from tests.approvals.test_pages import browser
from tests.builders import planned, request_of, vote
from traces.models import Entry

# Held until somebody looks at the tool, and not sent meanwhile.
HELD = {"tool redefined"}


class Way:
    """A way in: what a person had read before the mutation, and what is done after it."""

    def __init__(self, cast, request: ApprovalRequest) -> None:
        self.cast, self.id, self.seen, self.action_id = cast, request.pk, request.digest, request.action_id
        self.client: Client = browser(cast, "tomas")

    def go_on(self) -> str:
        """What the last person is told; empty where the verdict was taken."""
        raise NotImplementedError

    def arrives(self) -> str:
        said = self.go_on()
        if ApprovalRequest.objects.filter(pk=self.id).exists():
            apply_verdict(request_id=self.id)
        run_action(self.action_id)
        return said


class ConsoleForm(Way):
    """The form of the page that was open when it changed."""

    def go_on(self) -> str:
        answer = self.client.post(f"/approvals/{self.id}/decide/", {"choice": "approve", "digest": self.seen})
        taken = answer.status_code == 302 and not answer["Location"].endswith("/confirm/")
        return "" if taken else f"{answer.status_code} {answer.content.decode()}"


class Service(Way):
    """What every surface calls."""

    def go_on(self) -> str:
        user = self.cast.user("tomas")
        try:
            record_verdict(actor=self.cast.actor("tomas"), user=user, request_id=self.id, choice="approve", reason="",
                           digest=self.seen)  # fmt: skip
        except (VerdictRefused, ApprovalRequest.DoesNotExist) as error:
            return repr(error)
        return ""


class Dispatch(Way):
    """Everybody approved already; a forged ring of the worker's doorbell is all that happens."""

    def __init__(self, cast, request: ApprovalRequest) -> None:
        super().__init__(cast, request)
        vote(cast, request, "tomas")

    def go_on(self) -> str:
        return ""


@pytest.fixture
def request_(cast):
    """A refund that one of two people approved."""
    found = request_of(planned(cast, STEPS[:2]), REFUND)
    vote(cast, found, "priya")
    return found


def outcome(way: Way, mutation) -> tuple[str, str, str]:
    """The state after it all, what the ledger says of a block, what the last person was told; the mutation is taken back."""
    with transaction.atomic():
        mutation.change(world(way.cast, way.id))
        told = way.arrives()
        state = Action.objects.get(pk=way.action_id).state
        blocks = Entry.objects.filter(type="action.blocked", trace=Action.objects.get(pk=way.action_id).trace_id)
        said = "; ".join(entry.record["body"]["detail"] for entry in blocks)
        transaction.set_rollback(True)
    return state, said, told


def problem(way: Way, name: str) -> str:
    """What is wrong about how a mutation ended; empty when it is right."""
    mutation = MUTATIONS[name]
    state, said, told = outcome(way, mutation)
    if state == "blocked":
        return "" if mutation.words in said else f"the ledger says {said!r}"
    if state == "authorized" and name in HELD:
        return ""
    # The last person was refused, so that nothing was ever let run.
    waits = state == "pending" and bool(told) and not isinstance(way, Dispatch)
    return "" if waits else f"it is {state}, told {told[:200]!r}"


@pytest.mark.parametrize("entry", [ConsoleForm, Service, Dispatch])
def test_r20_every_mutation_on_every_way_in_runs_nothing(cast, request_, desk, entry):
    """INVARIANT of actions.execution.recheck. The last assertion shows that the same way runs what was approved."""
    way = entry(cast, request_)
    found = {name: problem(way, name) for name in MUTATIONS}
    assert len(found) >= 40 and {name: bad for name, bad in found.items() if bad} == {}
    assert desk.read("/orders/48213")["refunds"] == []
    assert way.arrives() == "" and Action.objects.get(pk=way.action_id).state == "succeeded"
    assert len(desk.read("/orders/48213")["refunds"]) == 1
