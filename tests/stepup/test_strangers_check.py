"""A stranger checks who approved what: our signature over the statement, and the passkey's over its digest (Z-04, R-25)."""

import copy
import json

import pytest

from approvals.models import Verdict
from tests.approvals.test_break_glass import broken
from tests.builders import planned, request_of, vote
from tests.stepup.conftest import ask_for, browser
from tests.stepup.test_confirm_page import approve, enrol_key
from tests.traces.ledgers import judged
from traces.bundles.write import write_traces, write_workspace
from traces.checkpoints.take import checkpoint_workspace
from traces.models import Entry
from verify.remit_verify import Bad, check_verdicts


@pytest.fixture
def entries(cast):
    """A workspace's records with a verdict that a passkey signed and one by session alone."""
    trace = planned(cast)
    refund = request_of(trace, "desk.refund.create")
    ask_for(cast, "passkey")
    client = browser(cast, "priya")
    key = enrol_key(client)
    approve(client, refund)
    asked = client.post(f"/approvals/{refund.pk}/confirm/options/").json()
    data = {"challenge": asked["challenge"], "answer": key.get(asked["publicKey"])}
    client.post(f"/approvals/{refund.pk}/confirm/", data)
    ask_for(cast, "none")
    vote(cast, refund, "tomas")
    assert Verdict.objects.count() == 2
    return rows(cast)


def rows(cast) -> list[tuple[str, str, str]]:
    found = Entry.objects.filter(trace__workspace=cast.northwind).order_by("trace_id", "seq")
    return [(cast.northwind.pk, entry.canonical, entry.hash) for entry in found]


def first_verdict(record) -> bool:
    return record["type"] == "approval.verdict_recorded" and record["body"]["signed"]["assertion"]


def changed(entries, change, is_it=first_verdict) -> list[tuple[str, str, str]]:
    """The body of one signed record changed, as by an attacker who recomputes every hash."""
    made, done = [], False
    for workspace, canonical, stored in entries:
        record = json.loads(canonical)
        if is_it(record) and not done:
            change(record, record["body"]["signed"])
            canonical, done = json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":")), True
        made.append((workspace, canonical, stored))
    assert done
    return made


def test_whole_bundle_and_bundle_of_one_trace_hold(cast, entries, tmp_path):
    checkpoint_workspace(cast.northwind.pk)
    trace = Verdict.objects.first().request.trace_id
    for written in (
        write_workspace(tmp_path / "whole", cast.northwind.pk),
        write_traces(tmp_path / "one", cast.northwind.pk, [trace]),
    ):
        ok, sentence = judged(written.path)
        assert ok, sentence


def test_honest_records_hold(entries):
    check_verdicts(entries, whole=True)
    check_verdicts(entries, whole=False)


def set_in(*path, value):
    def change(record, signed):
        place = {"record": record, "signed": signed}
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = value

    return change


def both(name, in_body, value):
    """Statement and record changed alike, so that only the signature tells."""

    def change(record, signed):
        signed["statement"][name] = value
        record["body"][in_body] = value

    return change


def other_client_data(record, signed):
    signed["assertion"]["client_data"] = signed["assertion"]["authenticator_data"]


HARMS = {
    "another approver": (set_in("record", "actor", "id", value="usr_x"), "something else than the record"),
    "another choice": (set_in("record", "body", "choice", value="reject"), "something else than the record"),
    "both say reject": (both("choice", "choice", "reject"), "signature does not hold"),
    "no second approver asked": (both("second", "wants_second", True), "signature does not hold"),
    "a second approver in the record alone": (
        set_in("record", "body", "wants_second", value=True),
        "something else than the record",
    ),
    "another step-up": (set_in("signed", "statement", "step_up", value=None), "signature does not hold"),
    "another display": (set_in("signed", "statement", "displayed", value="sha256:0"), "signature does not hold"),
    "for somebody who asked nobody": (set_in("record", "body", "for", value={"id": "usr_x"}), "something else than"),
    "alone, which was not signed": (set_in("record", "body", "single_operator", value="sop_x"), "something else than"),
    "under another delegation": (set_in("record", "body", "for", value={"delegation": "dlg_x"}), "something else than"),
    "no signature at all": (
        set_in("record", "body", "signed", value=None),
        "is not signed, and this workspace had a key",
    ),
    "something beside it": (set_in("signed", "note", value="Approved."), "a part that does not belong"),
    "another key": (set_in("signed", "key", value="A" * 43 + "="), "does not name"),
    "another passkey answer": (other_client_data, "signature does not hold"),
}


@pytest.mark.parametrize(("harm", "words"), HARMS.values(), ids=HARMS)
def test_every_change_is_found_with_all_hashes_recomputed(entries, harm, words):
    with pytest.raises(Bad, match=words):
        check_verdicts(changed(copy.deepcopy(entries), harm), whole=True)


def test_passkey_answer_to_another_statement_is_found(entries):
    """Signed by us, asserted for something else: the passkey's challenge is not the digest of this statement."""
    records = [json.loads(canonical) for _, canonical, _ in entries]
    signed = [r["body"]["signed"] for r in records if r["type"] == "approval.verdict_recorded"]
    asserted = next(one["assertion"] for one in signed if one["assertion"])
    moved = []
    for workspace, canonical, stored in entries:
        record = json.loads(canonical)
        if record["type"] == "approval.verdict_recorded" and not record["body"]["signed"]["assertion"]:
            record["body"]["signed"]["assertion"] = asserted
            canonical = json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        moved.append((workspace, canonical, stored))
    with pytest.raises(Bad, match="the passkey signed something else"):
        check_verdicts(moved, whole=True)


@pytest.fixture
def emergency(cast):
    """A workspace's records with an emergency that its person signed."""
    refund = request_of(planned(cast), "desk.refund.create")
    broken(cast, refund, "sam")
    return rows(cast)


EMERGENCY_HARMS = {
    "another person": (set_in("record", "actor", "id", value="usr_x"), "emergency says something else than the record"),
    "another reason": (set_in("record", "body", "reason", value="It was fine."), "emergency says something else"),
    "nobody skipped": (set_in("record", "body", "skipped", value=[]), "emergency says something else"),
    "both say another reason": (both("reason", "reason", "It was fine."), "emergency's signature does not hold"),
    "an approval of it": (set_in("signed", "statement", "choice", value="approve"), "says something else"),
    "another key": (set_in("signed", "key", value="A" * 43 + "="), "emergency is signed by a key"),
}


@pytest.mark.parametrize(("harm", "words"), EMERGENCY_HARMS.values(), ids=EMERGENCY_HARMS)
def test_r25_every_change_of_an_emergency_is_found(emergency, harm, words):
    check_verdicts(emergency, whole=True)
    harmed = changed(emergency, harm, lambda record: record["type"] == "approval.break_glass")
    with pytest.raises(Bad, match=words):
        check_verdicts(harmed, whole=True)
