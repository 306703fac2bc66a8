"""Counters and trips belong to one policy: two policies with the same rule id share neither."""

from dataclasses import replace

import pytest
from django.db import IntegrityError, transaction

from accounts.clock import database_now
from policies.breakers import observe, tripped_keys
from policies.engine.decide import decide
from policies.engine.document import load
from policies.models import BreakerTrip
from tests.policies.past import SUPPORT, Past, update

RULE = "{id: stop, name: Stop, when: {}, on: failures, per: workspace, max: 0, window: 1h}"
DAY = load(SUPPORT + f"\nbreakers:\n  - {RULE}\n")
NIGHT = load((SUPPORT + f"\nbreakers:\n  - {RULE}\n").replace("slug: support", "slug: night"))
KEY = "stop:workspace:all"


def fail(house, doc) -> tuple[BreakerTrip, ...]:
    record = Past(house.workspace, doc).add(update(), outcome="failed")
    with transaction.atomic():
        return observe(workspace_id=house.workspace.pk, document=doc, record=record, event="failed")


def test_a_trip_holds_the_calls_of_its_own_policy_only(house):
    assert len(fail(house, DAY)) == 1
    day, night = (tripped_keys(house.workspace.pk, doc.slug) for doc in (DAY, NIGHT))
    assert (day, night) == ({KEY}, frozenset())
    effects = [decide(doc, replace(update(), tripped=held)).effect for doc, held in ((DAY, day), (NIGHT, night))]
    assert effects == ["deny", "allow"]


def test_both_policies_may_trip_and_each_is_reset_alone(house):
    assert [len(fail(house, doc)) for doc in (DAY, NIGHT, DAY)] == [1, 1, 0]
    BreakerTrip.objects.filter(policy="night").update(reset_at=database_now())
    assert tripped_keys(house.workspace.pk, "support") == {KEY} and not tripped_keys(house.workspace.pk, "night")
    assert [len(fail(house, doc)) for doc in (DAY, NIGHT)] == [0, 1], (
        "A reset of one lets nothing of the other count anew."
    )


def test_one_policy_has_one_open_trip_of_a_counter(house):
    (trip,) = fail(house, DAY)
    trip.pk = "trp_again"
    with pytest.raises(IntegrityError, match="breaker_trips_once_per_policy"), transaction.atomic():
        trip.save(force_insert=True)
