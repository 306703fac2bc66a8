"""One open draft a policy; nobody's save overwrites another's unseen; bringing a draft up to date asks per cell."""

import pytest

from accounts.access import Forbidden, NotVisible
from policies.access import get_draft_for, open_draft_of
from policies.drafts import create_policy, discard_draft, merge_of, needs_rebase, open_draft, rebase_draft, save_draft
from policies.engine.document import load
from policies.engine.problems import PolicyError
from policies.models import Policy, PolicyDraft
from policies.refusals import DraftChanged, DraftClosed, DraftExists, PolicyRefused, RebaseConflicts
from tests.policies.kit import BASE, FIELDS, LOOSER, TIGHTER, TOOLS, build_house, changed, race

READ, WRITE = (*FIELDS, "read"), (*FIELDS, "write")


def test_a_draft_starts_from_what_is_live_and_there_is_one(house):
    draft = house.draft()
    assert (draft.base, draft.source, draft.revision) == (house.live(), house.live().source, 1)
    assert house.draft(by="noor") == draft
    assert house.last()[0] == "policy.draft_opened" and house.verbs().count("policy.draft_opened") == 1


def test_a_draft_from_a_text_keeps_its_evidence(house):
    source = house.publish(changed(TIGHTER)).source
    evidence = {"kind": "unused", "sentence": "Never used in 30 days.", "evidence": ["act_1"]}
    draft = open_draft(**house.who("ken"), policy=house.policy(), source=source, evidence=evidence)
    assert (draft.evidence, draft.digest) == (evidence, house.live().digest)
    assert house.last() == (
        "policy.draft_opened",
        {"policy": "support", "draft": draft.pk, "revision": 1, "digest": draft.digest, "base": 2, "evidence": evidence,
         "reverts": None},
    )  # fmt: skip


def test_a_text_never_replaces_an_open_draft(house):
    draft = house.draft(TIGHTER)
    with pytest.raises(DraftExists, match="Ken has a draft") as caught:
        open_draft(**house.who("noor"), policy=house.policy(), source=house.live().source)
    assert caught.value.draft == draft
    assert open_draft(**house.who("noor"), policy=house.policy(), source=draft.source) == draft


def test_a_save_is_one_revision_and_the_same_again_is_none(house):
    draft = house.draft(TIGHTER)
    assert (draft.revision, load(draft.source).plain) == (2, changed(TIGHTER))
    again = house.save(draft, changed(TIGHTER), by="noor")
    assert (again.revision, again.updated_by) == (2, house.users["ken"])


def test_each_save_stands_in_the_audit_log_with_what_it_changed(house):
    draft = house.draft()
    before = draft.digest
    saved = house.save(draft, changed(TIGHTER), by="noor")
    verb, body = house.last()
    assert (verb, body["was"]["content"], body["now"]["content"]) == ("policy.draft_changed", before, saved.digest)
    assert body["changes"] and all(change["label"] for change in body["changes"])
    house.save(saved, changed(TIGHTER), by="ken")
    assert house.verbs().count("policy.draft_changed") == 1, "The same content again changes nothing."


def test_a_save_over_another_revision_is_refused_with_what_is_there(house):
    draft = house.draft()
    theirs = house.save(draft, changed(TIGHTER), by="noor")
    with pytest.raises(DraftChanged, match="Noor changed this draft") as caught:
        house.save(draft, changed(LOOSER))
    assert (caught.value.current.revision, caught.value.current.digest) == (2, theirs.digest)


@pytest.mark.parametrize(
    ("edit", "path", "words"),
    [
        ((("policy", "slug"), "other"), "policy.slug", "agents name it. Write support"),
        ((("policy", "name"), "x" * 121), "policy.name", "120"),
        (((*TOOLS, "desk.mail.send"), {"mode": "approval", "route": "nobody"}), "", "no route nobody"),
        ((("roles", "clerk", "tier"), "yolo"), "roles.clerk.tier", "yolo"),
        ((("roles", "clerk", "scopes", "desk.account"), "record.region =="), "", "not a CEL expression"),
    ],
)
def test_a_document_that_does_not_load_is_not_saved(house, edit, path, words):
    draft = house.draft()
    with pytest.raises(PolicyError) as caught:
        house.save(draft, changed(edit))
    assert any(words in p.message and path in p.path and p.line > 1 for p in caught.value.problems), caught.value
    assert PolicyDraft.objects.get(pk=draft.pk).revision == 1


def test_a_discarded_draft_is_kept_and_closed(house):
    draft = house.draft(TIGHTER)
    discard_draft(**house.who("noor"), draft_id=draft.pk, revision=draft.revision)
    assert get_draft_for(house.users["ken"], house.workspace, draft.pk).source == draft.source
    assert open_draft_of(house.policy()) is None and house.last()[0] == "policy.draft_discarded"
    with pytest.raises(DraftClosed, match="was discarded"):
        house.save(draft, changed(LOOSER))
    assert house.draft() != draft


def test_a_draft_is_not_discarded_over_a_save_unseen(house):
    draft = house.draft()
    house.save(draft, changed(TIGHTER), by="noor")
    with pytest.raises(DraftChanged):
        discard_draft(**house.who("ken"), draft_id=draft.pk, revision=draft.revision)


@pytest.mark.parametrize(("first", "error"), [("dana", Forbidden), ("ava", Forbidden), ("maya", Forbidden)])
def test_only_policy_admins_edit(house, first, error):
    draft = house.draft()
    who = house.who(first)
    with pytest.raises(error):
        open_draft(**who, policy=house.policy())
    with pytest.raises(error):
        house.save(draft, BASE, by=first)
    with pytest.raises(error):
        discard_draft(**who, draft_id=draft.pk, revision=1)
    with pytest.raises(error):
        rebase_draft(**who, draft_id=draft.pk, revision=1)
    with pytest.raises(error):
        create_policy(**who, workspace=house.workspace, slug="new", name="New")


def test_a_draft_of_another_workspace_does_not_exist(house):
    draft = house.draft()
    other = build_house("lakeside")
    with pytest.raises(NotVisible):
        other.save(draft, BASE)
    with pytest.raises(NotVisible):
        open_draft(**other.who("ken"), policy=house.policy())
    with pytest.raises(NotVisible):
        open_draft(actor=house.actor("ken"), user=other.users["ken"], policy=house.policy())


@pytest.mark.parametrize("draft_id", ["drf_none", "", "a\x00b"])
def test_an_unknown_draft_does_not_exist(house, draft_id):
    with pytest.raises(NotVisible):
        save_draft(**house.who("ken"), draft_id=draft_id, revision=1, plain=BASE)


def test_a_new_policy_opens_a_draft_that_allows_nothing(house):
    draft = create_policy(**house.who("ken"), workspace=house.workspace, slug="desk-two", name="Desk two")
    assert load(draft.source).plain == {"policy": {"slug": "desk-two", "name": "Desk two"}, "roles": {}}
    assert (draft.base, needs_rebase(draft)) == (None, False)


@pytest.mark.parametrize("slug", ["support", "Upper", "x" * 61, "two.parts"])
def test_a_policy_needs_a_free_short_name(house, slug):
    with pytest.raises((PolicyRefused, PolicyError)):
        create_policy(**house.who("ken"), workspace=house.workspace, slug=slug, name="Any")
    assert Policy.objects.count() == 1


def test_rebase_takes_both_sides_where_they_differ(house):
    draft = house.draft(TIGHTER)
    assert not needs_rebase(draft)
    house.publish(changed((READ, ["name"])))
    assert needs_rebase(draft)
    rebased = rebase_draft(**house.who("noor"), draft_id=draft.pk, revision=draft.revision)
    assert load(rebased.source).plain == changed((READ, ["name"]), TIGHTER)
    assert (rebased.base, rebased.revision, needs_rebase(rebased)) == (house.live(), 3, False)


def test_rebase_asks_for_a_cell_both_sides_changed(house):
    cell = (*TOOLS, "desk.account.update", "mode")
    draft = house.draft((cell, "draft"))
    house.publish(changed((cell, "off"), (("tests",), [])))
    merged = merge_of(draft)
    (cell,) = merged.conflicts
    given = {**house.who("ken"), "draft_id": draft.pk, "revision": draft.revision}
    for choices in (None, {}, {cell.key: "both"}, {"other": "yours"}):
        with pytest.raises(RebaseConflicts) as caught:
            rebase_draft(**given, choices=choices)
        assert caught.value.merged.conflicts == (cell,)
    assert needs_rebase(PolicyDraft.objects.get(pk=draft.pk))
    rebased = rebase_draft(**given, choices={cell.key: "yours"})
    mode = load(rebased.source).plain["roles"]["clerk"]["tools"]["desk.account.update"]["mode"]
    assert (mode, needs_rebase(rebased), load(rebased.source).plain.get("tests")) == ("draft", False, [])


def test_two_saves_of_one_revision_at_once_keep_one(open_house):
    house = open_house
    draft = house.draft()
    said = race(lambda: house.save(draft, changed(TIGHTER)), lambda: house.save(draft, changed(LOOSER), by="noor"))
    (kept,) = [found for found in said if isinstance(found, PolicyDraft)]
    (lost,) = [found for found in said if isinstance(found, DraftChanged)]
    now = PolicyDraft.objects.get(pk=draft.pk)
    assert (now.revision, now.digest, lost.current.digest) == (2, kept.digest, kept.digest)


def test_two_people_opening_at_once_get_one_draft(open_house):
    house = open_house
    one, other = race(*(lambda first=first: house.draft(by=first) for first in ("ken", "noor")))
    assert one == other and PolicyDraft.objects.count() == 1


def test_a_page_drawn_for_a_discarded_draft_says_nothing_of_the_next(house):
    """Revisions go on from draft to draft, so a stale form can neither publish nor discard somebody else's draft."""
    first = house.draft(TIGHTER)
    discard_draft(**house.who("noor"), draft_id=first.pk, revision=first.revision)
    second = house.draft(TIGHTER, by="noor")
    assert second.revision > first.revision
    with pytest.raises(DraftChanged):
        discard_draft(**house.who("ken"), draft_id=second.pk, revision=first.revision)
