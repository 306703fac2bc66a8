"""What was told long ago goes with its words, as a ledgered act; what still waits to be sent stays (E-02)."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db.models import F

from accounts.actors import system_actor
from tests.builders import planned
from tests.notices.conftest import channel, round_
from traces.models import Entry
from traces.notices.models import Delivery, Notice
from traces.notices.retention import drop_notices


def drop(cast, days: int) -> int:
    return drop_notices(actor=system_actor("retention", cast.northwind.pk), workspace_id=cast.northwind.pk, days=days)


def test_e02_old_messages_go_and_what_waits_stays(cast, sink):
    channel(cast, sink)
    planned(cast)
    while round_():
        pass
    waits = Delivery.objects.order_by("pk").first()
    Delivery.objects.update(ended_at=F("ended_at") - timedelta(days=401))
    Delivery.objects.filter(pk=waits.pk).update(state="queued", ended_at=None)
    old, entries = Delivery.objects.exclude(pk=waits.pk).count(), Entry.objects.count()
    out = StringIO()
    call_command("remit_retention", "--workspace", "northwind", "--json", stdout=out)
    assert json.loads(out.getvalue())["northwind"]["messages"] == old > 0
    assert [one.pk for one in Delivery.objects.all()] == [waits.pk]
    assert {notice.delivery_id for notice in Notice.objects.all()} <= {waits.pk}
    act = Entry.objects.get(type="notices.dropped").record
    assert act["body"]["messages"] == old and act["actor"]["kind"] == "system"
    assert Entry.objects.count() == entries + 1 and drop(cast, 400) == 0
    assert Entry.objects.filter(type="notices.dropped").count() == 1, "an act that drops nothing is not written"
    assert drop(cast, 1) == 0
    with pytest.raises(ValueError, match="at least 1 day"):
        drop(cast, 0)
