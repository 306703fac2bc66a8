"""What a document says is what happens to a real call on the desk: freezes, breakers, masks, scopes on rows, redactions."""

from datetime import UTC, datetime, timedelta

from accounts.models import Agent
from actions.services import call_tool
from actions.tools import tools_for_agent
from policies.breakers import reset
from policies.engine.yaml_out import dump
from policies.models import BreakerTrip, DecisionRecord, Policy
from policies.shadow import start_shadow
from tests.builders import action, opened, planned, publish, request_of, sample_plain, vote, work
from traces.models import Entry, Trace

FAR = {"from": "2020-01-01T00:00Z", "until": "2090-01-01T00:00Z"}


def call(cast, tool, arguments):
    return call_tool(actor=cast.agent_actor, agent=cast.agent, trace=opened(cast), tool=tool, arguments=arguments)


def change(cast, edit) -> None:
    """Publish the sample policy with something else in it."""
    plain = sample_plain()
    edit(plain)
    publish(cast, plain)


def as_role(cast, role: str) -> None:
    Agent.objects.filter(pk=cast.agent.pk).update(role=role)
    cast.agent.refresh_from_db()


class TestFreeze:
    def freeze(self, **more):
        return {
            "id": "quarter",
            "name": "Quarter end",
            "when": {"effect_classes": ["write"]},
            "reason": "Books close.",
            **more,
        }

    def test_a_call_in_a_freeze_is_denied_and_says_until_when(self, cast):
        change(cast, lambda plain: plain.update(freezes=[self.freeze(**FAR)]))
        found = call(cast, "desk.ticket.update", {"ticket_id": "88213", "fields": {"status": "closed"}})
        assert found.state == "denied" and "2090-01-01 00:00 UTC" in found.detail

    def test_p9_a_freeze_that_begins_after_the_vote_blocks_at_dispatch(self, cast, desk):
        trace = planned(cast)
        refund = request_of(trace, "desk.refund.create")
        vote(cast, refund, "priya")
        vote(cast, refund, "tomas")
        frozen = self.freeze(**FAR) | {"when": {"tools": ["desk.refund.create"]}}
        change(cast, lambda plain: plain.update(freezes=[frozen]))
        work(trace)
        assert action(trace, "desk.refund.create").state == "blocked"
        assert desk.read("/orders/48213")["refunds"] == []

    def test_outside_the_window_nothing_is_held(self, cast):
        past = {"from": "2020-01-01T00:00Z", "until": "2020-01-02T00:00Z"}
        change(cast, lambda plain: plain.update(freezes=[self.freeze(**past)]))
        found = call(cast, "desk.ticket.update", {"ticket_id": "88213", "fields": {"status": "closed"}})
        assert found.state == "succeeded"


def test_masked_fields_are_read_as_their_kind_and_others_withheld(cast):
    as_role(cast, "support")
    found = call(cast, "desk.account.get", {"account_id": "acct_5521"})
    assert found.result["record"]["billing_email"] == "[email]"
    assert found.result["masked"] == ["billing_email"] and found.result["withheld"] == ["credit_limit"]


def test_rows_out_of_scope_are_withheld_from_a_search(cast):
    as_role(cast, "support")
    european = call(cast, "desk.account.search", {"region": "EU"})
    assert [row["name"] for row in european.result["record"]["accounts"]] == ["Birch & Co", "Alder Books"]
    assert all("credit_limit" not in row for row in european.result["record"]["accounts"])
    american = call(cast, "desk.account.search", {"region": "US"})
    assert (american.state, american.result["record"], american.result["rows_withheld"]) == (
        "succeeded",
        {"accounts": []},
        2,
    )


def test_nothing_withheld_or_masked_from_an_agent_reaches_the_ledger_of_a_search(cast):
    as_role(cast, "support")
    found = call(cast, "desk.account.search", {"region": "US"})
    texts = "".join(Entry.objects.filter(trace=found.trace).values_list("canonical", flat=True))
    assert "juniper" not in texts.lower()


def test_policy_redacts_a_field_in_ledger_and_review(cast):
    change(cast, lambda plain: plain.update(redact={"desk.ticket": {"note": "customer note"}}))
    found = call(cast, "desk.ticket.update", {"ticket_id": "88213", "fields": {"note": "Call Ann on 555-0142"}})
    assert found.state == "succeeded"
    texts = "".join(Entry.objects.filter(trace=found.trace).values_list("canonical", flat=True))
    assert "555-0142" not in texts and '"$withheld":"customer note"' in texts


def test_a_breaker_trips_holds_and_goes_on_after_a_recorded_reset(cast, django_capture_on_commit_callbacks):
    breaker = {
        "id": "denied",
        "name": "Denied updates",
        "when": {"tools": ["desk.account.update"]},
        "on": "denials",
        "per": "agent",
        "max": 1,
        "window": "1h",
    }
    change(cast, lambda plain: plain["breakers"].append(breaker))
    outside = {"account_id": "acct_7001", "fields": {"owner_note": "x"}}
    inside = {"account_id": "acct_5521", "fields": {"owner_note": "x"}}
    with django_capture_on_commit_callbacks(execute=True):  # Decisions are counted once they are committed.
        assert [call(cast, "desk.account.update", outside).state for _ in range(2)] == ["denied", "denied"]
    held = call(cast, "desk.account.update", inside)
    assert held.state == "denied" and "circuit breaker Denied updates has tripped" in held.detail
    trip = BreakerTrip.objects.get()
    reset(
        actor=cast.actor("priya"),
        user=cast.user("priya"),
        workspace=cast.northwind,
        trip_id=trip.pk,
        reason="Wrong account id, now mended.",
    )
    assert call(cast, "desk.account.update", inside).state == "succeeded"
    chain = Trace.objects.get(workspace=cast.northwind, kind="governance")
    types = list(chain.entries.values_list("type", flat=True))
    assert types[-2:] == ["breaker.tripped", "breaker.reset"]


def test_history_keeps_what_was_decided_and_what_became_of_it(cast):
    trace = planned(cast)
    refund = request_of(trace, "desk.refund.create")
    vote(cast, refund, "priya")
    vote(cast, refund, "tomas")
    work(trace)
    kept = {record.tool: record for record in DecisionRecord.objects.filter(trace_id=trace.pk)}
    done = kept["desk.refund.create"]
    assert (done.effect, done.rule, done.route, done.outcome) == (
        "approval",
        "limits.refund.auto",
        "refund",
        "succeeded",
    )
    assert done.waited_s is not None and kept["desk.account.update"].refused == ["credit_limit"]
    assert kept["desk.order.get"].outcome == "succeeded" and kept["desk.mail.send"].outcome == "open"


def test_a_shadow_says_what_it_would_have_decided_and_decides_nothing(cast):
    plain = sample_plain()
    plain["roles"]["refunds"]["tools"]["desk.ticket.update"] = {"mode": "off"}
    policy = Policy.objects.get(workspace=cast.northwind)
    start_shadow(actor=cast.actor("ken"), user=cast.user("ken"), policy=policy, source=dump(plain), name="Tickets off")
    found = call(cast, "desk.ticket.update", {"ticket_id": "88213", "fields": {"status": "closed"}})
    kept = DecisionRecord.objects.get(action_id=found.pk)
    assert (found.state, kept.effect, kept.shadow_effect) == ("succeeded", "allow", "deny")
    assert kept.shadow_rule == "roles.refunds.tools.desk.ticket.update"


def test_a_shadow_counts_its_own_limits_and_its_own_breakers_never_trip(cast, django_capture_on_commit_callbacks):
    plain = sample_plain()
    few = {
        "id": "few",
        "when": {"tools": ["desk.order.get"]},
        "kind": "count",
        "per": "agent",
        "max": 1,
        "window": "1d",
        "over": "deny",
    }
    plain["limits"].append(few)
    plain["breakers"].append(
        {"id": "shadow.only", "when": {}, "on": "denials", "per": "agent", "max": 0, "window": "1h"}
    )
    policy = Policy.objects.get(workspace=cast.northwind)
    start_shadow(actor=cast.actor("ken"), user=cast.user("ken"), policy=policy, source=dump(plain), name="Few reads")
    with django_capture_on_commit_callbacks(execute=True):
        calls = [call(cast, "desk.order.get", {"order_id": "48213"}) for _ in range(3)]
    kept = [DecisionRecord.objects.get(action_id=found.pk) for found in calls]
    assert [(record.effect, record.shadow_effect) for record in kept] == [
        ("allow", "allow"), ("allow", "deny"), ("allow", "deny"),
    ]  # fmt: skip
    assert {record.shadow_rule for record in kept[1:]} == {"limits.few"} and not BreakerTrip.objects.exists()


def test_p9_a_rule_that_ended_blocks_what_was_allowed_and_asks_from_then_on(cast):
    """The end is judged by the clock of the database, at the decision and again at dispatch."""
    now = datetime.now(UTC)

    def until(end):
        rule = {"mode": "auto", "route": "refund", "until": f"{end:%Y-%m-%dT%H:%M:%SZ}"}
        return lambda plain: plain["roles"]["refunds"]["tools"].update({"desk.ticket.update": rule})

    closing = {"ticket_id": "88213", "fields": {"status": "closed"}}
    change(cast, until(now + timedelta(hours=1)))
    assert call(cast, "desk.ticket.update", closing).state == "succeeded"
    change(cast, until(now - timedelta(seconds=1)))
    found = call(cast, "desk.ticket.update", closing)
    assert found.state == "pending" and found.decision["route"]["name"] == "refund"
    listed = {tool["name"]: tool["mode"] for tool in tools_for_agent(cast.agent)}
    assert listed["desk.ticket.update"] == "approval"


def test_freeze_times_are_judged_by_the_clock_of_the_database(cast):
    now = datetime.now(UTC)
    window = {
        "from": f"{now - timedelta(minutes=5):%Y-%m-%dT%H:%MZ}",
        "until": f"{now + timedelta(minutes=5):%Y-%m-%dT%H:%MZ}",
    }
    frozen = {"id": "now", "when": {}, "reason": "Hold on.", **window}
    change(cast, lambda plain: plain.update(freezes=[frozen]))
    assert call(cast, "desk.order.get", {"order_id": "48213"}).state == "denied"
