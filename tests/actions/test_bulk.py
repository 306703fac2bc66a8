"""A step over many records: what is alike is shown once, a canary runs first, a person lets the rest run (F-07)."""

import pytest
from django.test import Client, TestCase

from accounts.actors import system_actor
from actions.arguments import BadArguments
from actions.bulk import ContinueRefused, continue_bulk, default_canary, groups_of, summary
from actions.execution import run
from actions.models import Action, Bulk, Connection, Plan, Tool
from actions.plans import Step
from actions.resume import resume
from actions.services import start_plan
from actions.states import State
from actions.sweep import sweep
from approvals.models import ApprovalRequest
from tests.actions.doubt import find_out, its_time_comes
from tests.actions.undoing import TICKET, undo
from tests.builders import opened, publish, sample_plain, work
from tests.gateway.test_rest import get, post
from traces.canonical import canonical_text
from traces.ledger import verify
from traces.models import Entry

NUMBERS = [str(90001 + n) for n in range(12)]


def items(numbers=NUMBERS, text: str = "checked") -> tuple[dict, ...]:
    return tuple({"ticket_id": number, "fields": {"note": text}} for number in numbers)


def submit(cast, *steps: Step) -> Plan:
    return start_plan(actor=cast.agent_actor, agent=cast.agent, trace=opened(cast), steps=steps, sources=[])


def bulk_plan(cast, numbers=NUMBERS, **more) -> Plan:
    return submit(cast, Step("Note the tickets", TICKET, items=items(numbers), **more))


def notes(desk, numbers=NUMBERS) -> list[str]:
    return [desk.read(f"/tickets/{number}")["note"] for number in numbers]


def states(plan: Plan) -> list[str]:
    return list(plan.actions.order_by("step").values_list("state", flat=True))


def client(cast, first: str = "priya") -> Client:
    made = Client()
    made.force_login(cast.user(first), backend="django.contrib.auth.backends.ModelBackend")
    return made


def let_run(cast, plan: Plan, first: str = "priya") -> None:
    continue_bulk(actor=cast.actor(first), user=cast.user(first), bulk=plan.bulks.get())


class TestAlike:
    def test_what_is_alike_is_counted_and_outliers_stand_alone(self):
        changes = [("Team", "Pro")] * 400 + [("Trial", "Pro")] * 7 + [("Pro", "Pro")] * 5
        rows = [
            Action(tool_name=TICKET, changes=[{"field": "tier", "kind": "changed", "old": old, "new": new}])
            for old, new in changes
        ]
        groups = groups_of(rows)
        assert summary(groups) == "412 rows: 400 identical, 12 outliers"
        assert [group.count for group in groups] == [400, 7, 5] and summary(groups[:1]) == "400 rows, all identical"

    def test_p3_what_differs_beside_the_fields_is_not_alike_and_every_record_is_named(self):
        """One verdict on a group covers calls that differ in nothing but the record."""
        told = {"name": "x.note", "effect_class": "write", "fields_at": "fields"}
        told["operation"] = {"write": {"path": "/tickets/{ticket_id}"}}
        tool = Tool(definition_text=canonical_text(told), connection=Connection(slug="x"))
        changes = [{"field": "note", "kind": "changed", "old": "", "new": "a"}]

        def item(number: int, *, notify: bool) -> Action:
            said = {"ticket_id": str(number), "fields": {"note": "a"}, "notify": notify}
            return Action(tool=tool, tool_name="x.note", changes=changes, arguments_text=canonical_text(said))

        groups = groups_of([item(1, notify=False), item(2, notify=True), item(3, notify=False)])
        assert [group.targets for group in groups] == [["1", "3"], ["2"]]
        assert [group.beside for group in groups] == [{"notify": False}, {"notify": True}]

    @pytest.mark.parametrize(("size", "first"), [(1, 1), (2, 1), (3, 1), (8, 4), (12, 5), (412, 5), (2000, 20)])
    def test_the_canary_is_five_or_one_in_a_hundred_and_at_most_half(self, size, first):
        assert default_canary(size) == first


class TestCanary:
    def test_the_first_ones_run_and_nothing_else_until_a_person_says_so(self, cast, desk):
        plan = bulk_plan(cast)
        assert states(plan) == ["succeeded"] * 5 + ["authorized"] * 7 and notes(desk) == ["checked"] * 5 + [""] * 7
        sixth = plan.actions.get(step=6)
        assert run(actor=system_actor("worker", plan.trace.workspace_id), action_id=sixth.pk) is State.AUTHORIZED
        assert sweep().rung == 0 and notes(desk)[5] == ""

    def test_then_each_is_an_action_of_its_own_and_can_be_undone_by_itself(self, cast, desk):
        plan = bulk_plan(cast)
        let_run(cast, plan)
        work(plan.trace)
        assert states(plan) == ["succeeded"] * 12 and notes(desk) == ["checked"] * 12
        entries = Entry.objects.filter(trace=plan.trace, type="action.dispatching")
        keys = {entry.record["body"]["idempotency_key"] for entry in entries}
        assert keys == set(plan.actions.values_list("pk", flat=True)) and len(keys) == 12 and verify(plan.trace).ok
        undo(cast, plan.actions.get(step=7))
        assert notes(desk) == ["checked"] * 6 + [""] + ["checked"] * 5

    def test_who_asked_for_it_does_not_let_it_run_and_nobody_twice(self, cast):
        plan = bulk_plan(cast)
        with pytest.raises(ContinueRefused, match="An operator or a reviewer"):
            let_run(cast, plan, "maya")
        let_run(cast, plan)
        with pytest.raises(ContinueRefused, match="already"):
            let_run(cast, plan)
        told = Entry.objects.get(trace=plan.trace, type="bulk.continued").record
        assert (told["body"]["done"], told["body"]["left"], told["actor"]["name"]) == (5, 7, "Priya Nair")

    def test_an_item_that_does_not_succeed_stops_it_and_the_rest_can_be_resumed(self, cast, desk):
        desk.fault("500_before")
        plan = bulk_plan(cast)
        assert states(plan)[0] == "unknown"
        with pytest.raises(ContinueRefused, match="not all succeeded"):
            let_run(cast, plan)
        doubtful = plan.actions.get(step=1)
        its_time_comes(doubtful)
        find_out(doubtful)
        assert states(plan) == ["failed"] + ["cancelled"] * 11 and notes(desk) == [""] * 12
        plan.refresh_from_db()
        made = resume(actor=cast.actor("priya"), plan=plan)
        assert states(made) == ["succeeded"] * 5 + ["authorized"] * 7  # A canary again, of what is left.
        assert made.bulks.get().size == 12


class TestCap:
    @pytest.mark.parametrize(
        ("step", "pointer", "words"),
        [
            (Step("Many", TICKET, items=items()), "/steps/0/items", "12 items and may have 10"),
            (Step("Few", TICKET, items=items(NUMBERS[:4]), canary=3), "/steps/0/canary", "At most 2 of 4"),
            (Step("Both", TICKET, {"ticket_id": "88213"}, items()), "/steps/0", "either arguments or items"),
            (Step("None", TICKET), "/steps/0", "either arguments or items"),
            (Step("One", TICKET, items()[0], canary=1), "/steps/0/canary", "Only a step with items"),
        ],
        ids=["cap", "canary", "both", "neither", "canary of one"],
    )
    def test_what_is_too_many_is_refused_with_its_place(self, cast, settings, step, pointer, words):
        settings.REMIT_BULK_MAX = 10
        with pytest.raises(BadArguments, match=words) as refused:
            submit(cast, step)
        assert pointer in {problem.pointer for problem in refused.value.problems} and not Plan.objects.exists()

    def test_a_count_limit_of_the_policy_holds_for_items_and_then_nothing_runs(self, cast, desk):
        plain = sample_plain()
        limit = {**next(one for one in plain["limits"] if one["id"] == "mail.daily"), "id": "tickets", "max": 8}
        plain["limits"].append({**limit, "name": "Tickets a day", "when": {"tools": [TICKET]}})
        publish(cast, plain)
        plan = bulk_plan(cast)
        assert states(plan).count("denied") == 4 and notes(desk) == [""] * 12


class TestPage:
    def test_alike_items_are_decided_as_one_and_an_outlier_by_itself(self, cast, desk):
        plain = sample_plain()
        plain["roles"]["refunds"]["tools"][TICKET] = {"mode": "approval", "route": "account"}
        publish(cast, plain)
        desk.patch("/tickets/90003", {"note": "call first"})
        plan = bulk_plan(cast, NUMBERS[:6])
        url = f"/plans/{plan.pk}/"
        page = client(cast).get(url).content.decode()
        alike, outlier = groups_of(plan.actions.order_by("step"))
        assert f"6 calls of <code>{TICKET}</code>" in page and "The agent calls it “" in page
        assert "6 rows: 5 identical, 1 outlier" in page and "call first" in page and f"choice-{alike.key}" in page
        assert f"choice-{alike.key}" not in client(cast, "tomas").get(url).content.decode()
        digest = page.split(f'name="digest-{alike.key}" value="')[1].split('"')[0]
        stale = {f"choice-{alike.key}": "approve", f"digest-{alike.key}": "sha256:other"}
        assert "changed meanwhile" in client(cast).post(f"{url}decide/", stale, follow=True).content.decode()
        with TestCase.captureOnCommitCallbacks(execute=True):
            client(cast).post(f"{url}decide/", {**stale, f"digest-{alike.key}": digest})
        assert states(plan).count("authorized") == 5 and outlier.first.pk in plan.actions.filter(
            state="pending"
        ).values_list("pk", flat=True)

    def test_e03_what_can_only_be_made_up_for_is_not_decided_as_one(self, cast):
        plain = sample_plain()
        plain["roles"]["refunds"]["tools"][TICKET] = {"mode": "approval", "route": "account"}
        publish(cast, plain)
        plan = bulk_plan(cast, NUMBERS[:6])
        for request in ApprovalRequest.objects.filter(trace=plan.trace):
            shown = {**request.displayed, "reversibility": "compensable"}
            ApprovalRequest.objects.filter(pk=request.pk).update(displayed=shown)
        assert "choice-" not in client(cast).get(f"/plans/{plan.pk}/").content.decode()

    def test_a_person_lets_the_rest_run_from_the_page(self, cast, desk):
        plan = bulk_plan(cast, NUMBERS[:4])
        url = f"/plans/{plan.pk}/"
        assert "Let the other 2 run" in client(cast).get(url).content.decode()
        bulk = plan.bulks.get()
        answer = client(cast).post(f"{url}continue/{bulk.pk}/", follow=True).content.decode()
        assert "2 more run now" in answer and "Priya Nair let the rest run" in answer
        assert client(cast).post(f"{url}continue/blk_00000000000000000000000000/").status_code == 404


def test_an_agent_submits_items_and_reads_where_the_plan_stands(cast):
    trace = opened(cast)
    step = {"title": "Note the tickets", "tool": TICKET, "items": list(items(NUMBERS[:4]))}
    plan = post(f"traces/{trace.pk}/plan", {"steps": [step]}, cast.token).json()
    assert [one["state"] for one in plan["steps"]] == ["succeeded"] * 2 + ["authorized"] * 2
    told = get(f"plans/{plan['plan_id']}", cast.token).json()["bulks"][0]
    assert (told["size"], told["canary"], told["done"], told["waits_for_a_person"]) == (4, 2, 2, True)
    assert Bulk.objects.get().plan_id == plan["plan_id"]
    wrong = post(f"traces/{trace.pk}/plan", {"steps": [{**step, "canary": 4}]}, cast.token)
    assert wrong.status_code == 422 and wrong.json()["problems"][0]["pointer"] == "/steps/0/canary"
