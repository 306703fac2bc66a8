"""Which record a call is about is as secret as its values: a hashed entry can't be erased (R-33, R-42)."""

import json

import pytest
from django.test import Client

from actions.attest import attest
from actions.execution.recheck import _shown
from actions.listing import COLUMNS, export_rows
from actions.models import ActionFacet, AttemptCredential, Tool
from actions.redaction import Secrets, mask_name, mask_path, secrets_of
from actions.rollback import roll_back
from actions.services import call_tool
from tests.actions.doubt import REFUND
from tests.actions.test_canaries import columns_with
from tests.actions.test_erasure import erase
from tests.actions.test_masking import TOOL
from tests.actions.test_reconcile import as_class_c, reload_as
from tests.actions.undoing import UPDATE, wrote
from tests.builders import opened, publish, sample_plain
from traces.canonical import canonical_text, digest_of
from traces.ledger import Sensitive, verify
from traces.models import Entry, Trace, WithheldValue

BACKEND = "django.contrib.auth.backends.ModelBackend"
REFUND_TOOL = "desk.refund.create"
RECORD, NAME = "acct_5521", "Birch & Co"


def declared(cast, of: str = UPDATE, **sensitive: str) -> None:
    """The tool says itself what is sensitive."""
    tool = Tool.objects.get(name=of, workspace=cast.northwind)
    data = {**tool.definition, "sensitive": {**(tool.definition.get("sensitive") or {}), **sensitive}}
    Tool.objects.filter(pk=tool.pk).update(definition_text=canonical_text(data), digest=digest_of(data))


def by_policy(cast, **sensitive: str) -> None:
    plain = sample_plain()
    plain["redact"]["desk.account"] = sensitive
    publish(cast, plain)


def entries(trace: Trace) -> dict[str, dict]:
    """The last body of each type."""
    return {entry.type: entry.record["body"] for entry in Entry.objects.filter(trace=trace).order_by("seq")}


def clear(trace: Trace, value: str) -> list[str]:
    """The types of entries in which a value stands."""
    return [entry.type for entry in Entry.objects.filter(trace=trace).order_by("seq") if value in entry.canonical]


@pytest.mark.parametrize("by", [declared, by_policy])
def test_a_sensitive_id_and_name_of_the_target_stand_in_no_entry_title_or_facet(cast, by):
    by(cast, account_id="account number", name="person name")
    made = wrote(cast, owner_note="Called.")
    trace = Trace.objects.get(pk=made.trace_id)
    assert clear(trace, RECORD) == [] and clear(trace, NAME) == []
    assert not [facet for facet in trace.facets if facet.startswith("record:")] and RECORD not in trace.title
    told = entries(trace)
    target, done = told["action.proposed"]["target"], told["action.succeeded"]
    assert target["record_id"]["$withheld"] == done["remote_id"]["$withheld"] == "account number"
    assert target["name"]["$withheld"] == "person name" and target["path"] == "/accounts/[account number]"
    assert told["credential.minted"]["record"] == told["action.dispatching"]["path"] == "/accounts/[account number]"
    assert verify(trace).ok


def test_where_nothing_of_it_is_sensitive_the_target_is_told_as_it_is(cast):
    made = wrote(cast, owner_note="Called.")
    told = entries(made.trace)
    target = told["action.proposed"]["target"]
    assert (target["record_id"], target["name"], target["path"]) == (RECORD, NAME, f"/accounts/{RECORD}")
    assert (
        told["credential.minted"]["record"] == f"/accounts/{RECORD}" and told["action.succeeded"]["remote_id"] == RECORD
    )
    assert f"record:{RECORD}" in Trace.objects.get(pk=made.trace_id).facets


def test_pages_lists_and_files_name_such_a_record_by_its_kind_and_find_it_by_nothing(cast):
    declared(cast, account_id="account number", name="person name")
    made = wrote(cast, owner_note="Called.")
    client = Client()
    client.force_login(cast.user("priya"), backend=BACKEND)
    page = client.get(f"/traces/{made.trace_id}/").content.decode()
    assert "account number" in page and RECORD not in page and NAME not in page.replace("&amp;", "&")
    row = dict(zip(COLUMNS, next(iter(export_rows([made]))), strict=True))
    assert row["record"] == "[account number]" and RECORD not in json.dumps(row, default=str)
    for where in ("traces", "actions"):
        assert made.trace_id not in client.get(f"/{where}/", {"record": RECORD}).content.decode()


def test_neither_a_rollback_nor_its_reason_names_such_a_record(cast):
    declared(cast, account_id="account number", name="person name")
    made = wrote(cast, owner_note="Called.")
    undone = roll_back(actor=cast.actor("priya"), user=cast.user("priya"), action=made, reason=f"Not {NAME}, {RECORD}.")
    assert undone.state == "succeeded"
    for trace in (made.trace, undone.trace):
        assert clear(trace, RECORD) == [] and clear(trace, NAME) == []
    asked = entries(made.trace)["rollback.requested"]
    assert asked["reason"] == "Not [person name], [account number]." and entries(undone.trace)["trace.opened"][
        "intent"
    ].endswith(asked["reason"])


def test_a_link_that_people_give_as_evidence_names_no_such_record(cast, desk):
    reload_as(cast, REFUND_TOOL, as_class_c)
    declared(cast, REFUND_TOOL, order_id="order number")
    desk.fault("reset_after")
    trace = opened(cast)
    made = call_tool(actor=cast.agent_actor, agent=cast.agent, trace=trace, tool=REFUND_TOOL, arguments=REFUND)
    link = f"https://desk.example/orders/{REFUND['order_id']}"
    attest(
        actor=cast.actor("priya"), user=cast.user("priya"), action=made, succeeded=True, link=link,
        evidence="It stands in the list of the desk.",
    )  # fmt: skip
    assert (
        clear(trace, REFUND["order_id"]) == []
        and entries(trace)["action.attested"]["link"]["$withheld"] == "order number"
    )


def test_its_record_is_erased_by_its_id_in_ledger_and_rows(cast):
    declared(cast, account_id="account number")
    made = wrote(cast, owner_note="Called.")
    assert ActionFacet.objects.filter(action=made, facet=f"record:{RECORD}").exists()
    assert erase(cast, RECORD).under_way == 0
    assert not WithheldValue.objects.filter(entry__trace=made.trace).exists() and verify(made.trace).ok
    left = {place for place in columns_with([RECORD]) if place.startswith(("actions_", "traces_entry", "traces_trace"))}
    assert left == set() and AttemptCredential.objects.get(action=made).record == "/accounts/[account number]"


def test_a_value_is_found_as_a_path_spells_it_and_however_small_a_number_it_is():
    known = secrets_of(TOOL, {"note": "ann@a.example"}, {"customer": {"card": 42}})
    assert (
        mask_path("/people/ann%40a.example/cards/42?of=42", known)
        == "/people/[note]/cards/[card number]?of=[card number]"
    )
    assert mask_path("/people/7/cards/421", known) == "/people/7/cards/421"
    assert mask_name("42", known) == Sensitive("42", "card number") and mask_name("421", known) == "421"
    assert mask_name("https://a.example/ann%40a.example", known).kind == "note" and mask_name("", known) == ""
    assert mask_name("7", Secrets({"id": "number"}), "id") == Sensitive("7", "number")


def test_what_moved_is_masked_before_it_is_spelled_as_text():
    record = {"customer": {"card": 'a "quoted" one', "name": "Ada"}}
    assert (
        _shown("customer", record["customer"], secrets_of(TOOL, {}, record)) == '{"card":"[card number]","name":"Ada"}'
    )
