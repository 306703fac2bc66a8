"""A link opens one trace, for the person it is for, until it ends; everything else meets one page (P7, B-04)."""

import json
from datetime import timedelta

import pytest
from django.core import signing
from django.test import Client, override_settings

from accounts.models import User
from accounts.services import deactivate_user
from tests.builders import opened, planned, request_of, vote, work
from traces.embed.access import SALT, signer, token_of
from traces.embed.models import ShownLink
from traces.embed.services import MOST_ANSWERS, MOST_LIVING, TURNS, LinkRefused, issue_link, revoke_link
from traces.models import Entry, Trace, TraceOpening
from traces.show import show


def ask(cast, trace, person="maya@northwind.example", token="", **more):
    return Client().post(
        f"/api/v1/traces/{trace.pk}/links",
        json.dumps({"on_behalf_of": person, **more}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token or cast.token}"},
    )


def path_of(cast, trace) -> str:
    answer = ask(cast, trace)
    assert answer.status_code == 201, answer.content
    return answer.json()["url"].removeprefix("http://127.0.0.1:8000")


@pytest.fixture
def trace(cast) -> Trace:
    made = planned(cast)
    refund = request_of(made, "desk.refund.create")
    vote(cast, refund, "priya")
    vote(cast, refund, "tomas", reason="Duplicate confirmed.")
    work(made)
    vote(cast, request_of(made, "desk.mail.send"), "maya")
    work(made)
    return made


def test_the_asking_person_sees_their_trace_without_an_account(cast, trace):
    answer = Client().get(path_of(cast, trace))
    page = answer.content.decode()
    assert answer.status_code == 200 and "Show work, for Maya Chen until" in page
    assert "Who asked" in page and "Why it was allowed" in page and "12000.00 denied" in page
    assert TraceOpening.objects.filter(trace=trace, user=cast.user("maya")).exists()


def test_what_is_hidden_is_named_and_counted(cast, trace):
    page = Client().get(path_of(cast, trace) + "?calls=all&show=all").content.decode()
    hidden = page.split('id="hidden"')[1].split("</section>")[0]
    entries = Trace.objects.get(pk=trace.pk).head_seq
    assert f"<strong>{entries}</strong> the ledger’s entries as hashed" in hidden
    fields = {f"{call['step_n']} {name}" for call in show(trace, tab="")[0].calls for name in call["withheld"]}
    assert "1 card" in fields and f"<strong>{len(fields)}</strong> withheld from the agent by its policy" in hidden
    assert "redacted: email" in hidden and "unlisted" not in hidden and "the agent’s credentials" in hidden
    assert "ap@birch.example" not in page and "Idempotency" not in page and "idk_" not in page


def test_nothing_on_it_leads_into_the_console_or_elsewhere(cast, trace):
    path = path_of(cast, trace)
    for query in ("?calls=all&checks=all&show=all", "?tab=events", "?tab=calls"):
        page = Client().get(path + query).content.decode()
        addresses = [part.split('"')[0] for part in page.split('href="')[1:]]
        assert {one for one in addresses if not one.startswith(("?", "#", "/static/"))} == set()
        assert "<script" not in page and "hx-" not in page and "Raw records" not in page


def test_no_cookie_is_needed_and_a_session_changes_nothing(cast, trace):
    path, client = path_of(cast, trace), Client()
    client.force_login(cast.user("omar"), backend="django.contrib.auth.backends.ModelBackend")
    answer = client.get(path)
    assert answer.status_code == 200 and b"Lakeside" not in answer.content and b"Omar" not in answer.content
    assert "remit" not in answer.cookies and "csrftoken" not in Client().get(path).cookies


@pytest.mark.parametrize("person", ["priya@northwind.example", "omar@lakeside.example", "nobody@nowhere.example"])
def test_only_for_the_person_it_is_for(cast, trace, person):
    answer = ask(cast, trace, person)
    assert answer.status_code == 409 and "only to the person it is for" in answer.json()["detail"]
    assert not ShownLink.objects.exists()


def test_p7_another_agent_gets_no_link_and_revokes_none(cast, trace):
    other = cast.tokens[next(slug for slug in cast.tokens if slug != "refunds-agent")]
    assert ask(cast, trace, token=other).status_code == 404
    link = issue_link(actor=cast.agent_actor, trace=trace, person=cast.user("maya"), expires_in_s=600)
    headers = {"Authorization": f"Bearer {other}"}
    assert Client().post(f"/api/v1/links/{link.pk}/revoke", headers=headers).status_code == 404


def gone(path) -> bytes:
    answer = Client().get(path)
    assert answer.status_code == 404 and b"press Show work again" in answer.content
    return answer.content


def test_forged_foreign_expired_and_revoked_links_meet_one_page(cast, trace, settings):
    link = issue_link(actor=cast.agent_actor, trace=trace, person=cast.user("maya"), expires_in_s=600)
    token = token_of(link)
    salted = signer()
    other = opened(cast)
    stamp = int(link.expires_at.timestamp())
    forged = [
        "x", token[:-1], token + "A", token.replace(".", ""), "a" * 5000,
        salted.sign_object([link.pk, other.pk, link.person_id, stamp]),
        salted.sign_object([link.pk, trace.pk, cast.user("omar").pk, stamp]),
        salted.sign_object([link.pk, trace.pk, link.person_id, stamp + 86400]),
        salted.sign_object(["lnk_00000000000000000000000000", trace.pk, link.person_id, stamp]),
        signing.Signer(sep=".", salt=SALT).sign_object([link.pk, trace.pk, link.person_id, stamp]),
        signing.Signer(key=salted.key, sep=".", salt="another purpose").sign_object([link.pk, trace.pk, link.person_id, stamp]),
    ]  # fmt: skip
    pages = {gone(f"/show/{one}/") for one in forged}
    with override_settings(SECRET_KEY="b" * 50):
        foreign = token_of(link)
    pages.add(gone(f"/show/{foreign}/"))
    revoked = issue_link(actor=cast.agent_actor, trace=trace, person=cast.user("maya"), expires_in_s=600)
    revoke_link(actor=cast.actor("dana"), link=revoked)
    pages.add(gone(f"/show/{token_of(revoked)}/"))
    assert Client().get(f"/show/{token}/").status_code == 200
    ShownLink.objects.filter(pk=link.pk).update(expires_at=link.issued_at - timedelta(seconds=1))
    link.refresh_from_db()
    pages.add(gone(f"/show/{token}/"))
    pages.add(gone(f"/show/{token_of(link)}/"))
    assert len(pages) == 1


def test_it_ends_with_the_persons_access(cast, trace):
    path = path_of(cast, trace)
    deactivate_user(actor=cast.actor("dana"), user=User.objects.get(pk=cast.user("maya").pk))
    gone(path)


def test_giving_out_and_revoking_stand_in_the_chain_which_holds(cast, trace):
    before = Trace.objects.get(pk=trace.pk).head_seq
    took = show(trace, tab="")[0].duration_s
    link_id = ask(cast, trace, expires_in_s=60).json()["link_id"]
    for _ in range(2):
        headers = {"Authorization": f"Bearer {cast.token}"}
        answer = Client().post(f"/api/v1/links/{link_id}/revoke", headers=headers)
        assert answer.json()["revoked"] is True
    entries = Entry.objects.filter(trace=trace, seq__gt=before).order_by("seq")
    assert [one.type for one in entries] == ["trace.link_issued", "trace.link_revoked"]
    assert entries[0].record["body"]["for"]["name"] == "Maya Chen" and entries[0].record["actor"]["kind"] == "agent"
    story, integrity = show(trace, tab="")
    assert integrity.ok and story.duration_s == took


def test_lifetimes_and_numbers_have_bounds(cast, trace):
    assert ask(cast, trace, expires_in_s=59).status_code == 422
    assert ask(cast, trace, expires_in_s=604801).status_code == 422
    person = cast.user("maya")
    for _ in range(MOST_LIVING):
        issue_link(actor=cast.agent_actor, trace=trace, person=person, expires_in_s=60)
    with pytest.raises(LinkRefused):
        issue_link(actor=cast.agent_actor, trace=trace, person=person, expires_in_s=60)
    assert ask(cast, trace).status_code == 409


def test_an_answer_is_recorded_with_the_link_it_came_by(cast, trace):
    path = path_of(cast, trace)
    strict = Client(enforce_csrf_checks=True)  # A frame on another site has no cookie to prove itself with.
    answer = strict.post(f"{path}answer/", {"answer": "no", "line": "Who is Finance?"})
    assert answer.status_code == 302 and answer["Location"] == f"{path}#answer"
    entry = Entry.objects.filter(trace=trace, type="trace.answered").get().record
    assert entry["actor"]["name"] == "Maya Chen" and entry["body"]["link"].startswith("lnk_")
    assert (entry["body"]["answer"], entry["body"]["line"]) == ("no", "Who is Finance?")
    assert "Last answer: no" in strict.get(path).content.decode()
    assert strict.post(f"{path}answer/", {"answer": "maybe"}).status_code == 302
    assert Entry.objects.filter(trace=trace, type="trace.answered").count() == 1


def test_a_link_answers_only_so_often_and_opens_only_so_often(cast, trace):
    path = path_of(cast, trace)
    for _ in range(MOST_ANSWERS):
        assert Client().post(f"{path}answer/", {"answer": "yes"}).status_code == 302
    assert Client().post(f"{path}answer/", {"answer": "yes"}).status_code == 429
    ShownLink.objects.update(turns=TURNS)
    answer = Client().get(path)
    assert answer.status_code == 429 and answer["Retry-After"] == "60" and b"Wait a minute" in answer.content
    ShownLink.objects.update(turns_since=ShownLink.objects.get().turns_since - timedelta(minutes=1))
    assert Client().get(path).status_code == 200
    assert Entry.objects.filter(trace=trace, type="trace.answered").count() == MOST_ANSWERS


def test_a_ledger_that_does_not_hold_is_said(cast, trace):
    path = path_of(cast, trace)
    Trace.objects.filter(pk=trace.pk).update(head_hash="0" * 64)
    page = Client().get(path).content.decode()
    assert "The ledger of this trace does not hold." in page and "Does not hold" in page


def test_links_have_a_key_of_their_own_that_is_rotated_alone(cast, trace, settings):
    link = issue_link(actor=cast.agent_actor, trace=trace, person=cast.user("maya"), expires_in_s=600)
    opened_at = f"/show/{token_of(link)}/"
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "c" * 50
    assert Client().get(opened_at).status_code == 200
    settings.REMIT_LINK_SECRETS = ["d" * 50]
    gone(opened_at)  # Every link at once, and nothing else: the installation's keys are as they were.
    renewed = f"/show/{token_of(link)}/"
    settings.REMIT_LINK_SECRETS = ["e" * 50, "d" * 50]
    assert Client().get(renewed).status_code == 200
    settings.REMIT_LINK_SECRETS = ["e" * 50]
    gone(renewed)
