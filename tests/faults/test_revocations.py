"""A right is taken away while an approved action is about to be sent, each in its own process: one of them is first (P4, A-03).

A few races here; `make races` runs 100 of each. REMIT_CAMPAIGN_PART takes other seeds.
"""

import os
import random
import threading
import time
from collections import Counter

import pytest
from django.db import connection, transaction

from accounts.models import Agent, User
from accounts.permissions import Role
from accounts.person_tokens import revoke_person_token
from accounts.scopes import EVERYTHING
from accounts.services import add_member, deactivate_user, remove_member, revoke_agent_client, set_agent_state
from actions.models import Action
from actions.propose import Place, prepare, record_proposal
from actions.tasks import run_action
from tests.actions.test_mandate import Person
from tests.faults.campaign import in_a_process
from tests.faults.test_credentials import ASKED
from tests.faults.test_killed_web import takes_s
from tests.faults.test_last_look import until
from tests.remote.running import sign_in_by
from traces.checkpoints.clock import tick
from traces.ledger import verify
from traces.models import Entry

RACES = int(os.environ.get("REMIT_REVOCATIONS", "2"))


class Asked:
    """An action that may run, asked for with a person's token, and how each of its rights is taken away."""

    def __init__(self, cast) -> None:
        self.cast, self.held = cast, Person(cast)
        prepared = prepare(
            agent=cast.agent, name="shop.order.b", arguments={"item": "tea", "amount": 1}, effects=EVERYTHING
        )
        place = Place(self.held.trace(), cast.agent, self.held.person, 1)
        self.action = record_proposal(actor=self.held.actor, place=place, prepared=prepared)
        assert self.action.state == "authorized", self.action.detail

    def token(self) -> None:
        revoke_person_token(actor=self.cast.agent_actor, token=self.held.token)

    def client(self) -> None:
        revoke_agent_client(actor=self.cast.actor("dana"), client=self.held.client)

    def agent(self) -> None:
        set_agent_state(actor=self.cast.actor("dana"), agent=self.cast.agent, state=Agent.State.DISABLED)

    def person(self) -> None:
        deactivate_user(actor=self.cast.actor("dana"), user=self.held.person)

    def role(self) -> None:
        for role in self.held.person.memberships.values_list("role", flat=True):
            remove_member(
                actor=self.cast.actor("dana"), workspace=self.cast.northwind, user=self.held.person, role=Role(role)
            )

    def dispatched(self) -> bool:
        return Entry.objects.filter(trace=self.action.trace, type="action.dispatching").exists()

    def restored(self) -> None:
        set_agent_state(actor=self.cast.actor("dana"), agent=self.cast.agent, state=Agent.State.ACTIVE)
        User.objects.filter(pk=self.held.person.pk).update(is_active=True)
        if not self.held.person.memberships.exists():
            add_member(
                actor=self.cast.actor("dana"), workspace=self.cast.northwind, user=self.held.person, role=Role.MEMBER
            )


KINDS = [Asked.token, Asked.client, Asked.agent, Asked.person, Asked.role]


@pytest.fixture
def signed(shop, remote, settings):
    settings.REMIT_LEASE_S = 60
    sign_in_by(shop, remote, ASKED)
    yield shop
    remote.tokens()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_nothing_is_sent_once_the_right_is_gone(signed, remote, kind, seed, tmp_path):
    tick()
    first, ended = Asked(signed), Counter()
    span_s = takes_s(lambda: run_action(first.action.pk))
    draw = random.Random(f"{kind.__name__} {seed}")
    for number in range(RACES):
        tick()
        ended[race(Asked(signed), kind, draw.uniform(0, 1.2 * span_s), tmp_path / str(number), remote)] += 1
    print(f"{kind.__name__} revoked against a dispatch: {dict(ended)}")  # noqa: T201 - the figures that are published


def race(asked: Asked, kind, after_s: float, mark, remote) -> str:
    """How it ended: `revoked` or `sent` first."""

    def revoke() -> None:
        time.sleep(after_s)
        with transaction.atomic():
            kind(asked)
            # The right is gone in this transaction: whatever rests on it was written before, or never is.
            was = asked.dispatched()
        mark.write_text("sent" if was else "revoked")

    worker, revoker = in_a_process(lambda: run_action(asked.action.pk)), in_a_process(revoke)
    for pid in (worker, revoker):
        os.waitpid(pid, 0)
    run_action(asked.action.pk)
    first, found = mark.read_text(), Action.objects.get(pk=asked.action.pk)
    effects = remote.effects(found.pk)
    assert (first, effects, asked.dispatched()) in {("sent", 1, True), ("revoked", 0, False)}, found.state
    assert found.state == ("succeeded" if effects else "blocked") and verify(found.trace).ok
    asked.restored()
    return first


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_right_that_an_intent_rests_on_is_taken_away_after_it(signed, remote, kind):
    """The worker looked for the last time and is about to write its intent: a revocation waits for it, and comes second."""
    tick()
    asked = Asked(signed)
    remote.tokens(held=True)
    before = remote.truth()["tokens_asked"]
    worker = in_a_process(lambda: run_action(asked.action.pk))
    until(lambda: remote.truth()["tokens_asked"] > before, "No credential was asked for.")
    over = threading.Event()
    with transaction.atomic():
        Action.objects.select_for_update(of=("self",), no_key=True).get(pk=asked.action.pk)
        remote.tokens()
        until(lambda: waiting("actions_action"), "The worker did not come to its intent.")
        revoker = threading.Thread(target=lambda: (kind(asked), over.set(), connection.close()))
        revoker.start()
        until(lambda: over.is_set() or waiting("accounts_"), "The revocation neither waited nor ended.")
        assert not over.is_set(), "It was committed between the last look and the intent."
    os.waitpid(worker, 0)
    revoker.join()
    assert over.is_set() and Action.objects.get(pk=asked.action.pk).state == "succeeded"
    asked.restored()


def waiting(about: str, at_least: int = 1) -> bool:
    """Whether so many sessions of this database wait for a row, in a statement about such a table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_stat_clear_snapshot()"
        )  # Inside a transaction it would be the same answer again and again.
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            " AND query LIKE %s", [f"%{about}%"],
        )  # fmt: skip
        return bool(cursor.fetchone()[0] >= at_least)
