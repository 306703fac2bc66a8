"""Show work by a link while the trace runs: it asks for what is new by Remit's own script; a finished page runs none."""

import pytest
from django.test import Client

from tests.builders import opened, planned, request_of, vote, work
from traces.embed.access import token_of
from traces.embed.models import ShownLink
from traces.embed.services import TURNS, issue_link, revoke_link
from traces.models import Trace

HTMX = {"HX-Request": "true"}


def linked(cast, trace) -> tuple[ShownLink, str]:
    link = issue_link(actor=cast.agent_actor, trace=trace, person=cast.user("maya"), expires_in_s=600)
    return link, f"/show/{token_of(link)}/"


def policy(answer) -> str:
    return answer["Content-Security-Policy"]


@pytest.fixture
def finished(cast) -> Trace:
    made = planned(cast)
    for each, people in (("desk.refund.create", ("priya", "tomas")), ("desk.mail.send", ("maya",))):
        for first in people:
            vote(cast, request_of(made, each), first, reason="Duplicate confirmed.")
        work(made)
    return made


def test_a_running_page_asks_for_what_is_new_and_keeps_what_is_open(cast):
    trace = opened(cast)
    _, path = linked(cast, trace)
    answer = Client().get(f"{path}?tab=calls&open=call-1")
    page, head = answer.content.decode(), Trace.objects.get(pk=trace.pk).head_seq
    assert f'hx-get="{path}?tab=calls&amp;open=call-1&amp;head={head}"' in page and "every 2s" in page
    assert "shown.js" in page and "remit.js" not in page and "Look again" in page
    assert "script-src 'self'" in policy(answer) and "connect-src 'self'" in policy(answer)


def test_asking_in_vain_counts_as_no_use_and_something_new_answers_the_page(cast):
    trace = planned(cast)
    link, path = linked(cast, trace)
    head = Trace.objects.get(pk=trace.pk).head_seq
    answers = [Client().get(f"{path}?head={head}", headers=HTMX) for _ in range(3)]
    assert {(answer.status_code, answer.content) for answer in answers} == {(204, b"")}
    assert ShownLink.objects.get(pk=link.pk).turns == 0
    assert Client().get(f"{path}?head={head}").status_code == 200  # Whoever loads the page gets it.
    vote(cast, request_of(trace, "desk.refund.create"), "priya")
    assert b"<h1" in Client().get(f"{path}?head={head}", headers=HTMX).content
    ShownLink.objects.filter(pk=link.pk).update(turns=TURNS)
    assert Client().get(f"{path}?head={head}", headers=HTMX).status_code == 429


def test_asking_ends_with_the_link(cast):
    trace = opened(cast)
    link, path = linked(cast, trace)
    revoke_link(actor=cast.agent_actor, link=link)
    head = Trace.objects.get(pk=trace.pk).head_seq
    assert Client().get(f"{path}?head={head}", headers=HTMX).status_code == 404


def test_a_finished_page_runs_no_script(cast, finished):
    _, path = linked(cast, finished)
    answer = Client().get(path)
    assert "script-src 'none'" in policy(answer) and "connect-src 'none'" in policy(answer)
    assert b"<script" not in answer.content and b"hx-" not in answer.content
