"""Publishing: tightening takes one person, anything else two; what goes live is exactly what was agreed to."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.access import Forbidden, NotVisible
from accounts.actors import system_actor
from accounts.permissions import Role
from accounts.services import create_user, deactivate_user, remove_member
from policies.drafts import create_policy, rebase_draft
from policies.engine.document import load
from policies.engine.yaml_out import dump
from policies.models import PolicyDraft, PolicyVersion
from policies.publishing import Outcome, agree, decline, propose, revert_to
from policies.refusals import (
    DraftChanged,
    DraftClosed,
    DraftExists,
    GatesUnmet,
    PolicyRefused,
    RebaseNeeded,
    SecondPersonNeeded,
)
from policies.services import live_document, publish_version
from tests.policies.kit import BASE, FIELDS, LOOSER, TIGHTER, changed, race
from traces.ledger import verify
from traces.models import Trace

UNTIL = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%dT%H:%MZ}"
WAIVER = {"id": "w1", "control": "write.rollback", "reason": "Later.", "by": "Ken", "expires": UNTIL}
SHELL = system_actor("operator", "")
NAMED = (("policy", "name"), "Support desk")
MIXED = ((*FIELDS, "write"), ["owner_note", "last_contact_reason"])


def ask(house, draft, by="ken", **more) -> Outcome:
    given = {"message": "Why not", "reason": "Customers wait."} | more
    return propose(**house.who(by), draft_id=draft.pk, revision=draft.revision, **given)


def yes(house, draft, by="noor") -> Outcome:
    return agree(**house.who(by), draft_id=draft.pk, revision=draft.revision, digest=draft.digest)


def test_what_only_tightens_takes_one_person_and_no_reason(house):
    draft = house.draft(TIGHTER)
    outcome = ask(house, draft, reason="")
    version = outcome.version
    assert (version.number, version.verdict, version.approved_by, version.message) == (2, "tightens", None, "Why not")
    assert version.published_by == {"kind": "user", "id": house.users["ken"].pk, "name": "Ken"}
    assert outcome.draft.state == "published" and house.live() == version
    assert live_document(workspace_id=house.workspace.pk, slug="support")[0].plain == changed(TIGHTER)


def test_the_ledger_says_what_was_published(house):
    version = ask(house, house.draft(TIGHTER)).version
    verb, body = house.last()
    assert verb == "policy.published" and body["counts"] == {"tightens": len(body["changes"])}
    assert (body["policy"], body["version"], body["digest"]) == ("support", 2, version.digest)
    assert body["replaced"] == {"version": 1, "digest": house.policy().versions.get(number=1).digest}
    assert (body["verdict"], body["message"], body["reason"]) == ("tightens", "Why not", "Customers wait.")
    assert (body["published_by"], body["approved_by"], body["waivers"]) == (version.published_by, None, [])
    assert body["how"] == "from a draft" and all(change["label"] for change in body["changes"])
    assert verify(Trace.objects.get(kind="governance", workspace=house.workspace)).ok


def test_what_changes_nothing_an_agent_may_do_takes_one_person(house):
    version = ask(house, house.draft(NAMED)).version
    assert version.verdict == "same" and house.policy().name == "Support desk"


@pytest.mark.parametrize(
    ("edit", "verdict"), [(LOOSER, "loosens"), (MIXED, "mixed"), ((("waivers",), [WAIVER]), "loosens")]
)
def test_what_loosens_waits_for_a_second_person(house, edit, verdict):
    asked = ask(house, house.draft(edit))
    assert (asked.version, asked.draft.state, house.live().number) == (None, "proposed", 1)
    verb, body = house.last()
    assert (verb, body["verdict"], body["digest"]) == ("policy.proposed", verdict, asked.draft.digest)
    version = yes(house, asked.draft).version
    assert (version.number, version.verdict, version.approved_by["name"]) == (2, verdict, "Noor")
    assert (version.published_by["name"], version.digest, house.live()) == ("Ken", asked.draft.digest, version)
    assert house.verbs()[-2:] == ["policy.agreed", "policy.published"]


def test_loosening_needs_a_reason_and_every_version_a_message(house):
    draft = house.draft(LOOSER)
    for given in ({"reason": " "}, {"message": " "}, {"message": "x" * 501}, {"reason": "x" * 501}):
        with pytest.raises(PolicyRefused) as caught:
            ask(house, draft, **given)
        assert caught.value.field in given
    assert PolicyDraft.objects.get(pk=draft.pk).state == "open"


def test_a_first_version_takes_two(house):
    draft = create_policy(**house.who("ken"), workspace=house.workspace, slug="two", name="Two")
    asked = ask(house, draft)
    assert asked.draft.state == "proposed"
    assert yes(house, asked.draft).version.verdict == "first"


def test_the_second_account_of_who_asked_is_not_a_second_person(house):
    name, _, domain = house.users["ken"].email.partition("@")
    noor = house.users["noor"]
    noor.email = f"{name}+2@{domain}"
    noor.save()
    draft = ask(house, house.draft(LOOSER)).draft
    with pytest.raises(SecondPersonNeeded, match="You asked"):
        yes(house, draft)


def test_the_second_person_is_neither_the_proposer_nor_the_last_editor(house):
    draft = house.draft(LOOSER, by="eve")
    asked = ask(house, draft, by="ken").draft
    with pytest.raises(SecondPersonNeeded, match="You asked"):
        yes(house, asked, by="ken")
    with pytest.raises(SecondPersonNeeded, match="You edited"):
        yes(house, asked, by="eve")
    assert house.live().number == 1
    assert yes(house, asked, by="noor").version.number == 2


@pytest.mark.parametrize("first", ["dana", "maya", "ava"])
def test_only_policy_admins_publish(house, first):
    asked = ask(house, house.draft(LOOSER)).draft
    with pytest.raises(Forbidden):
        yes(house, asked, by=first)
    with pytest.raises(Forbidden):
        ask(house, asked, by=first)
    with pytest.raises(Forbidden):
        decline(**house.who(first), draft_id=asked.pk, revision=asked.revision, reason="No.")
    stranger = create_user(actor=house.actor("dana"), email="x@elsewhere.example", name="X")
    house.users["x"] = stranger
    with pytest.raises(NotVisible):
        yes(house, asked, by="x")


def test_a_proposer_who_may_not_publish_any_more_takes_the_proposal_along(house):
    asked = ask(house, house.draft(LOOSER)).draft
    remove_member(actor=house.actor("dana"), workspace=house.workspace, user=house.users["ken"], role=Role.POLICY_ADMIN)
    with pytest.raises(PolicyRefused, match="Ken may not publish"):
        yes(house, asked)
    deactivate_user(actor=house.actor("dana"), user=house.users["noor"])
    with pytest.raises((Forbidden, NotVisible)):
        yes(house, asked)
    assert house.live().number == 1


def test_an_edit_takes_a_proposal_back(house):
    asked = ask(house, house.draft(LOOSER)).draft
    edited = house.save(asked, changed(LOOSER, NAMED), by="eve")
    assert (edited.state, edited.proposed_by, edited.approved_by) == ("open", None, None)
    assert house.last()[0] == "policy.not_published" and "Eve changed" in house.last()[1]["why"]
    with pytest.raises(DraftChanged):
        yes(house, asked)
    with pytest.raises(PolicyRefused, match="Nobody asked"):
        yes(house, edited)


def test_agreement_is_to_these_bytes_and_to_this_proposal(house):
    asked = ask(house, house.draft(LOOSER)).draft
    other = house.live().digest
    with pytest.raises(DraftChanged):
        agree(**house.who("noor"), draft_id=asked.pk, revision=asked.revision, digest=other)
    declined = decline(**house.who("ken"), draft_id=asked.pk, revision=asked.revision, reason="Wrong words.")
    again = ask(house, declined, message="Other words").draft
    assert again.digest == asked.digest
    with pytest.raises(DraftChanged):
        yes(house, asked)
    assert yes(house, again).version.message == "Other words"


def test_a_text_changed_behind_its_digest_is_not_published(house):
    asked = ask(house, house.draft(LOOSER)).draft
    PolicyDraft.objects.filter(pk=asked.pk).update(source=dump(changed(LOOSER, NAMED)))
    with pytest.raises(PolicyRefused, match="not what its digest says"):
        yes(house, asked)


def test_a_decline_says_why_and_opens_the_draft(house):
    asked = ask(house, house.draft(LOOSER)).draft
    with pytest.raises(PolicyRefused) as caught:
        decline(**house.who("noor"), draft_id=asked.pk, revision=asked.revision, reason="")
    assert caught.value.field == "reason"
    back = decline(**house.who("noor"), draft_id=asked.pk, revision=asked.revision, reason="Too wide.")
    assert (back.state, back.proposed_by, back.problem) == ("open", None, "Noor declined: Too wide.")
    assert house.last()[0] == "policy.declined" and house.last()[1]["reason"] == "Too wide."
    with pytest.raises(PolicyRefused, match="Nobody asked"):
        decline(**house.who("noor"), draft_id=back.pk, revision=back.revision, reason="Again.")


def test_a_draft_behind_the_live_version_is_not_published(house):
    draft = house.draft(LOOSER)
    asked = ask(house, draft).draft
    house.publish(changed(NAMED))
    with pytest.raises(RebaseNeeded, match="Version 2 went live"):
        yes(house, asked)
    rebased = rebase_draft(**house.who("ken"), draft_id=asked.pk, revision=asked.revision)
    assert rebased.state == "open"
    assert yes(house, ask(house, rebased).draft).version.number == 3


def test_nothing_is_published_twice_and_nothing_new_not_at_all(house):
    draft = house.draft()
    with pytest.raises(PolicyRefused, match="Nothing differs from version 1"):
        ask(house, draft)
    published = ask(house, house.save(draft, changed(TIGHTER))).draft
    with pytest.raises(DraftClosed, match="was published"):
        ask(house, published)
    asked = ask(house, house.draft(LOOSER)).draft
    with pytest.raises(PolicyRefused, match="already proposed"):
        ask(house, asked)


def test_gates_that_do_not_hold_stop_everyone(house):
    house.agent("clerk")
    plain = changed((("roles", "other"), BASE["roles"]["clerk"]), (("roles", "clerk"), None), (("tests",), []))
    draft = house.save(house.draft(), plain)
    with pytest.raises(GatesUnmet, match="clerk-agent has it") as caught:
        ask(house, draft)
    assert [gate.name for gate in caught.value.unmet] == ["Agents"]
    with pytest.raises(GatesUnmet):
        house.publish(plain)
    assert house.live().number == 1


def test_revert_brings_a_version_back_as_a_new_one(house):
    house.publish(changed(TIGHTER))
    draft = revert_to(**house.who("ken"), policy=house.policy(), number=1)
    assert load(draft.source).plain == BASE and draft.reverts == 1
    asked = ask(house, draft)
    assert asked.draft.state == "proposed"  # Going back loosens here, so it takes two as well.
    version = yes(house, asked.draft).version
    assert (version.number, version.reverts, version.digest) == (3, 1, house.policy().versions.get(number=1).digest)
    assert house.last()[1]["reverts"] == 1


def test_an_edited_revert_is_no_revert(house):
    house.publish(changed(LOOSER))
    draft = revert_to(**house.who("ken"), policy=house.policy(), number=1)
    edited = house.save(draft, changed(TIGHTER))
    assert edited.reverts is None and ask(house, edited).version.reverts is None


def test_a_revert_names_a_version_that_is_not_live(house):
    with pytest.raises(PolicyRefused, match="live already"):
        revert_to(**house.who("ken"), policy=house.policy(), number=1)
    with pytest.raises(NotVisible):
        revert_to(**house.who("ken"), policy=house.policy(), number=7)
    house.publish(changed(TIGHTER))
    house.draft(NAMED)
    with pytest.raises(DraftExists):
        revert_to(**house.who("noor"), policy=house.policy(), number=1)


def test_the_operator_needs_no_second_person_and_the_ledger_says_so(house):
    version = house.publish(changed(LOOSER))
    body = house.last()[1]
    assert (version.number, version.verdict, body["how"]) == (2, "loosens", "from the command line")
    assert body["published_by"]["kind"] == "system"
    given = {"workspace": house.workspace, "source": dump(BASE)}
    with pytest.raises(PolicyRefused, match="500"):
        publish_version(actor=SHELL, **given, message="x" * 501)
    with pytest.raises(ValueError, match="Only the operator"):
        publish_version(actor=house.actor("ken"), **given, message="Alone")


def test_two_publishing_at_once_one_wins(open_house):
    house = open_house
    draft = house.draft(TIGHTER)
    said = race(*(lambda by=by: ask(house, draft, by=by) for by in ("ken", "noor", "eve")))
    lost = [found for found in said if isinstance(found, DraftClosed)]
    assert len(lost) == 2 and PolicyVersion.objects.count() == 2 and house.live().number == 2


def test_a_draft_and_the_operator_at_once_never_fork(open_house):
    house = open_house
    draft = house.draft(TIGHTER)
    drafted, by_hand = race(lambda: ask(house, draft), lambda: house.publish(changed(NAMED)))
    assert isinstance(by_hand, PolicyVersion) and isinstance(drafted, RebaseNeeded | Outcome)
    numbers = sorted(house.policy().versions.values_list("number", flat=True))
    assert numbers == list(range(1, len(numbers) + 1)) and house.live() == by_hand


@pytest.mark.parametrize("round_", range(6))
def test_agreeing_while_somebody_edits_never_publishes_other_bytes(open_house, round_):
    house = open_house
    asked = ask(house, house.draft(LOOSER)).draft
    agreed, edited = race(lambda: yes(house, asked), lambda: house.save(asked, changed(LOOSER, NAMED), by="eve"))
    if isinstance(agreed, Outcome):
        assert agreed.version.digest == asked.digest == house.live().digest and isinstance(edited, DraftClosed)
    else:
        assert isinstance(agreed, DraftChanged) and house.live().number == 1 and edited.state == "open"
