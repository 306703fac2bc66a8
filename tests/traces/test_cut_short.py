"""A page of a ledger that does not hold claims nothing of what came after the last record that does."""

from django.test import Client

from tests.actions.test_story import finished
from tests.traces.ledgers import attacker
from traces.checkpoints.clock import tick
from traces.incident.gather import tell
from traces.show import show

BACKEND = "django.contrib.auth.backends.ModelBackend"


def test_nothing_is_claimed_of_what_came_after_the_last_record_that_holds(cast):
    trace = finished(cast)
    with attacker() as cursor:
        change = "UPDATE traces_entry SET canonical = replace(canonical, '\"v\":1', '\"v\":2') WHERE trace_id = %s AND seq = 10"
        cursor.execute(change, [trace.pk])
    story, integrity = show(trace, tab="")
    assert not integrity.ok and story.cut == 9 and story.todos == []
    answers = {answer["label"]: (answer["value"], answer["detail"]) for answer in story.answers}
    unknown = ("Not known", "The ledger holds only up to record 9")
    assert answers["What changed"] == unknown and answers["Can it be undone?"] == unknown
    assert story.brief[3].sentence == "Not known. The ledger holds only up to record 9."
    told = next(told for told in tell([trace]) if told.trace == trace)
    assert told.story.cut == 9 and told.story.title.startswith("As far as record 9: ")
    client = Client()
    client.force_login(cast.user("ava"), backend=BACKEND)
    page = client.get(f"/traces/{trace.pk}/").content.decode()
    assert '<h1 tabindex="-1">As far as record 9: ' in page and "What came after is not known." in page
    for claim in ("No record was changed", "Nothing was sent to any system", "there is nothing to undo", "must decide"):
        assert claim not in page, claim


def test_a_ledger_that_holds_is_told_whole(cast):
    assert show(finished(cast), tab="")[0].cut == 0


def test_home_leads_to_the_trace_whose_ledger_does_not_hold(cast, settings):
    trace = finished(cast)
    with attacker() as cursor:
        change = "UPDATE traces_entry SET canonical = replace(canonical, '\"v\":1', '\"v\":2') WHERE trace_id = %s AND seq = 10"
        cursor.execute(change, [trace.pk])
    tick(force=True)
    settings.REMIT_CHECKPOINT_ALARM_S = 0
    client = Client()
    client.force_login(cast.user("ava"), backend=BACKEND)
    needed = client.get("/").content.decode().split('aria-label="What needs you"')[1].split("</li>")[0]
    assert f'href="/traces/{trace.pk}/"' in needed and "Show work" in needed, needed
    assert "Nothing is sent until the ledger is signed again." in needed, (
        "It is so long unsigned that nothing goes out."
    )
