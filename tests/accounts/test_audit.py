"""The audit log: every act of people and admins, from the ledger itself, old and new, from where, exported."""

import csv
import json

import pytest
from django.test import Client

from accounts.models import Agent, AgentCredential
from accounts.permissions import Role
from accounts.services import add_member, create_user, issue_agent_token, revoke_agent_token, set_agent_state
from traces.audit.listing import Filters, audit_log
from traces.ledger import verify
from traces.models import Entry, Trace, WithheldValue

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def ava(people):
    client = Client(REMOTE_ADDR="203.0.113.7")
    client.force_login(people.user("ava"), backend=BACKEND)
    return client


def acts(people, **query):
    return audit_log(people.user("ava"), people.northwind, Filters.from_query(query)).acts


def test_each_act_on_people_and_agents_is_a_line_of_its_own(people):
    dana, agent = people.actor("dana"), people.agent
    new = create_user(actor=dana, email="new@northwind.example", name="New")
    add_member(actor=dana, workspace=people.northwind, user=new, role=Role.AUDITOR)
    token = issue_agent_token(actor=dana, agent=agent, days=7)
    revoke_agent_token(actor=dana, credential=AgentCredential.objects.get(prefix=token[4:12]))
    set_agent_state(actor=dana, agent=agent, state=Agent.State.PAUSED)
    lines = [(act.type, act.who, act.target) for act in acts(people)[:4]]
    assert lines == [
        ("agent.changed", "Dana Ortiz", "refunds-agent"),
        ("agent_token.revoked", "Dana Ortiz", "refunds-agent"),
        ("agent_token.issued", "Dana Ortiz", "refunds-agent"),
        ("member.added", "Dana Ortiz", "New"),
    ]
    change = acts(people)[0].changes[0]
    assert (change.field, change.old, change.new) == ("state", "active", "paused")
    assert not Entry.objects.filter(canonical__contains=token).exists(), "a token never stands in the ledger (P8)"


def test_what_changed_nothing_is_no_act(people):
    before = len(acts(people))
    set_agent_state(actor=people.actor("dana"), agent=people.agent, state=Agent.State.ACTIVE)
    add_member(actor=people.actor("dana"), workspace=people.northwind, user=people.user("ava"), role=Role.AUDITOR)
    assert len(acts(people)) == before


def test_a_sign_in_names_address_and_request_and_the_address_can_be_dropped(people):
    client = Client(REMOTE_ADDR="203.0.113.7")
    answer = client.post("/sign-in/", {"username": "ava@northwind.example", "email": "ava@northwind.example",
                                       "password": "a long enough password"})  # fmt: skip
    assert answer.status_code == 302
    act = acts(people, did="sign_in")[0]
    assert (act.who, act.address, act.request) == ("Ava Lind", "203.0.113.7", answer["X-Request-ID"])
    entry = Entry.objects.get(pk=act.id)
    assert "203.0.113.7" not in entry.canonical
    WithheldValue.objects.filter(entry=entry).delete()
    assert acts(people, did="sign_in")[0].address == ""
    assert verify(Trace.objects.get(pk=entry.trace_id)).ok, "the proof holds without the value (R-42)"


def test_filters_narrow_and_a_page_says_when_nothing_matches(people, ava):
    assert {act.type for act in acts(people, did="member")} == {"member.added"}
    assert acts(people, who=people.user("maya").pk) == []
    assert "No acts match 1 filter" in ava.get("/audit/?q=nothing-like-this").content.decode()


def test_pages_of_fifty_follow_each_other_without_gap_or_repeat(people):
    for _ in range(40):
        issue_agent_token(actor=people.actor("dana"), agent=people.agent)
    first = audit_log(people.user("ava"), people.northwind, Filters())
    second = acts(people, before=first.next_url.rpartition("=")[2])
    seqs = [act.seq for act in [*first.acts, *second]]
    assert len(first.acts) == 50 and seqs == list(range(seqs[0], 0, -1))


@pytest.mark.parametrize("query", [{"before": "9" * 40}, {"days": "x"}, {"who": "usr_'"}, {"q": "\x00"}])
def test_odd_addresses_still_show_a_page(people, query):
    assert acts(people, **query)


def test_exports_hold_the_same_lines_make_formulas_inert_and_are_recorded(people, ava):
    create = create_user(actor=people.actor("dana"), email="x@northwind.example", name="=cmd()")
    add_member(actor=people.actor("dana"), workspace=people.northwind, user=create, role=Role.MEMBER)
    rows = list(csv.DictReader(ava.get("/audit/export/?format=csv&did=member").content.decode().splitlines()))
    told = json.loads(ava.get("/audit/export/?format=json&did=member").content)
    assert rows[0]["target"] == "'=cmd()" and told["acts"][0]["target"] == "=cmd()"
    assert len(rows) == len(told["acts"]) == len(acts(people, did="member")) and told["complete"]
    assert [act.type for act in acts(people)[:2]] == ["audit.exported"] * 2
    assert ava.get("/audit/export/?format=xlsx").status_code == 400


def test_another_tenants_acts_are_not_there(people):
    assert not {act.hash for act in acts(people)} & {
        act.hash for act in audit_log(people.user("omar"), people.lakeside, Filters()).acts
    }
