"""A withheld value is shown to who may see it, with a reason, and never without its entry."""

import pytest
from django.test import Client

from tests.builders import opened, planned
from tests.traces.ledgers import attacker
from tests.traces.test_redaction import ACTOR, told
from traces.ledger import verify
from traces.models import Entry, Trace, WithheldValue
from traces.redaction import erase_subject

BACKEND = "django.contrib.auth.backends.ModelBackend"
ADDRESS = "ap@birch.example"
WHY = "The customer disputes which address it went to."


def browser(cast, first: str) -> Client:
    client = Client()
    client.force_login(cast.user(first), backend=BACKEND)
    return client


def commitment(trace) -> str:
    return WithheldValue.objects.filter(entry__trace=trace, value=f'"{ADDRESS}"').order_by("pk").first().commitment


def post(cast, first, trace, **fields):
    return browser(cast, first).post(f"/traces/{trace.pk}/reveal/", fields)


def looks(trace):
    return [entry.record for entry in Entry.objects.filter(trace=trace, type="trace.revealed")]


def test_a_trace_leads_who_may_reveal_to_its_values_and_nobody_else(cast):
    trace = planned(cast)
    link = f'href="/traces/{trace.pk}/reveal/"'
    assert link in browser(cast, "ava").get(f"/traces/{trace.pk}/").content.decode()
    for first in ("maya", "dana"):
        assert link not in browser(cast, first).get(f"/traces/{trace.pk}/").content.decode()
    page = browser(cast, "ava").get(f"/traces/{trace.pk}/reveal/").content.decode()
    assert commitment(trace) in page and ADDRESS not in page and "email" in page


def test_a_value_is_shown_with_a_reason_and_the_ledger_says_who_looked(cast):
    trace = planned(cast)
    answer = post(cast, "ava", trace, commitment=commitment(trace), reason=WHY)
    assert ADDRESS in answer.content.decode() and "no-store" in answer["Cache-Control"]
    (look,) = looks(trace)
    assert (look["actor"]["name"], look["body"]["reason"], look["body"]["kind"]) == ("Ava Lind", WHY, "email")
    assert look["body"]["commitment"] == commitment(trace) and look["body"]["place"].endswith("to")
    assert verify(Trace.objects.get(pk=trace.pk)).ok and ADDRESS not in str(look)
    log = browser(cast, "ava").get("/audit/?did=trace").content.decode()
    assert "A person looked at a withheld value" in log and "The customer disputes" in log and ADDRESS not in log


@pytest.mark.parametrize("reason", ["", "because", "  a         b  "])
def test_without_a_reason_nothing_is_shown(cast, reason):
    trace = planned(cast)
    answer = post(cast, "ava", trace, commitment=commitment(trace), reason=reason)
    assert answer.status_code == 422 and ADDRESS not in answer.content.decode() and looks(trace) == []


@pytest.mark.parametrize("first", ["maya", "dana", "omar"])
def test_who_may_not_reveal_is_refused_and_sees_nothing(cast, first):
    trace = planned(cast)
    answer = post(cast, first, trace, commitment=commitment(trace), reason=WHY)
    assert answer.status_code in {403, 404} and ADDRESS not in answer.content.decode() and looks(trace) == []


def test_a_value_of_another_trace_is_not_shown_here(cast):
    trace, other = planned(cast), opened(cast)
    told(cast, other, ADDRESS)
    answer = post(cast, "ava", trace, commitment=commitment(other), reason=WHY)
    assert answer.status_code == 422 and looks(trace) == [] and looks(other) == []


def test_what_was_erased_stays_erased(cast):
    trace = planned(cast)
    gone = commitment(trace)
    erase_subject(actor=ACTOR, workspace_id=cast.northwind.pk, subject=ADDRESS, reason="Asked to")
    answer = post(cast, "ava", trace, commitment=gone, reason=WHY)
    assert answer.status_code == 422 and "not kept any more" in answer.content.decode() and looks(trace) == []


def test_a_value_that_is_not_what_was_committed_to_is_not_shown(cast):
    trace = planned(cast)
    one = commitment(trace)
    with attacker() as cursor:
        cursor.execute("UPDATE traces_withheldvalue SET value = '\"forged\"' WHERE commitment = %s", [one])
    answer = post(cast, "ava", trace, commitment=one, reason=WHY)
    assert answer.status_code == 422 and "forged" not in answer.content.decode() and looks(trace) == []
