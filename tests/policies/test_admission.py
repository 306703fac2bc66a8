"""What a draft may say: an expression that cannot fit its tool is refused where it is saved, with its place, before publication."""

import pytest

from policies.drafts import open_draft
from policies.engine.problems import PolicyError
from policies.engine.yaml_out import dump
from policies.models import PolicyDraft
from tests.policies.browsing import Page
from tests.policies.kit import changed

WRONG = {"id": "note", "when": {"tools": ["desk.refund.create"]}, "reason": "No.", "require": 'args.amount == "x"'}
RIGHT = WRONG | {"require": "args.amount < 5"}
SECTION = ("invariants",)


def test_a_type_that_fits_no_tool_is_refused_when_a_draft_is_saved(house):
    draft = house.draft()
    with pytest.raises(PolicyError) as caught:
        house.save(draft, changed((SECTION, [WRONG])))
    (problem,) = caught.value.problems
    assert problem.line > 1 and problem.path == "invariants.0.require"
    assert "for desk.refund.create: whole number and text cannot be compared" in problem.message
    assert problem.message.endswith("Correct the expression.")
    draft.refresh_from_db()
    assert draft.revision == 1


def test_a_row_scope_is_held_against_the_tools_of_its_type(house):
    with pytest.raises(PolicyError, match=r"roles.clerk.scopes.desk.account: .*there is no nope there"):
        house.save(house.draft(), changed((("roles", "clerk", "scopes", "desk.account"), "args.nope == 1")))


def test_no_draft_is_opened_from_a_text_with_one(house):
    with pytest.raises(PolicyError, match="cannot be compared"):
        open_draft(**house.who("ken"), policy=house.policy(), source=dump(changed((SECTION, [WRONG]))))
    assert not PolicyDraft.objects.exists()


def test_mistakes_that_a_draft_has_already_are_mended_one_at_a_time(house):
    """As after a tool's schema changed: both would be refused for ever if each save had to mend them all."""
    draft = house.draft()
    other = WRONG | {"id": "other"}
    PolicyDraft.objects.filter(pk=draft.pk).update(source=dump(changed((SECTION, [WRONG, other]))), digest="sha256:old")
    draft.refresh_from_db()
    mended = house.save(draft, changed((SECTION, [RIGHT, other])))
    with pytest.raises(PolicyError, match=r"invariants.note, for"):
        house.save(mended, changed((SECTION, [WRONG, other])))
    assert house.save(mended, changed((SECTION, [RIGHT, other | RIGHT | {"id": "other"}]))).revision == 3


def test_the_form_of_an_invariant_says_it_beside_the_expression(house):
    ken = Page(house, "ken").open()
    rule = {"id": "note", "kind": "require", "expression": 'args.amount == "x"', "reason": "No."}
    page = ken.save("invariants/new/", 422, **rule, when_tools=["desk.refund.create"])
    assert "cannot be compared by ==" in page and 'args.amount == "x"' in page
