"""A waiver names who granted it and ends soon: by form, by a pasted document, by an older draft, by the shell."""

from datetime import timedelta

import pytest

from accounts.clock import database_now
from policies.drafts import open_draft, save_draft
from policies.engine.problems import PolicyError
from policies.engine.yaml_out import dump
from policies.gates import gates
from policies.models import PolicyDraft
from policies.publishing import agree, propose, revert_to
from policies.refusals import GatesUnmet
from tests.policies.browsing import Page
from tests.policies.kit import TIGHTER, changed

BARE = (("roles", "clerk", "scopes"), None)


def until(days: float) -> str:
    return f"{database_now() + timedelta(days=days):%Y-%m-%dT%H:%MZ}"


def waived(by: str, *, days: float = 30, reason: str = "Small shop.", id: str = "w1"):
    """The house's policy without a row scope, waived by somebody."""
    waiver = {"id": id, "control": "write.per_object_scope", "reason": reason, "by": by, "expires": until(days)}
    return changed(BARE, (("waivers",), [waiver]))


def refused(house, plain, by: str = "ken") -> str:
    draft = open_draft(**house.who(by), policy=house.policy())
    before = (draft.revision, draft.digest)
    with pytest.raises(PolicyError) as caught:
        house.save(draft, plain, by=by)
    draft.refresh_from_db()
    assert (draft.revision, draft.digest) == before, "Nothing was saved."
    (problem,) = caught.value.problems
    assert problem.line > 1
    return str(problem)


def test_nobody_grants_a_waiver_in_another_name(house):
    said = refused(house, waived("Dana"))
    assert "waivers.0.by: Dana did not grant waiver w1 here" in said and "Write Ken, or leave it as a published" in said


@pytest.mark.parametrize("by", ["Ken", "ken@northwind.example"])
def test_a_person_grants_one_by_name_or_by_email(house, by):
    assert house.save(house.draft(), waived(by)).source.count(f"by: {by}") == 1


def test_of_two_people_of_one_name_each_is_named_by_email(house):
    noor = house.users["noor"]
    noor.name = "ken"
    noor.save()
    assert "Write ken@northwind.example" in refused(house, waived("Ken"))
    house.save(house.draft(), waived("ken@northwind.example"))
    page = Page(house, "ken")
    inputs = {"id": "w2", "control": "write.rollback", "reason": "Later.", "expires": until(30)[:-1]}
    page.send("publish/", "waivers/add/", **inputs)
    assert page.plain()["waivers"][1]["by"] == "ken@northwind.example"


def test_what_somebody_granted_stays_when_another_edits_the_draft(house):
    granted = waived("Ken")
    draft = house.save(house.draft(), granted)
    kept = house.save(draft, granted | {"policy": {"slug": "support", "name": "Desk"}}, by="noor")
    assert kept.updated_by == house.users["noor"]
    other = granted | {"waivers": [granted["waivers"][0] | {"reason": "For good."}]}
    with pytest.raises(PolicyError, match="Ken did not grant waiver w1 here"):
        house.save(kept, other, by="noor")


def test_a_published_waiver_stays_proven_and_a_changed_one_does_not(house):
    granted = waived("Ken")
    draft = house.save(house.draft(), granted)
    terms = {"draft_id": draft.pk, "message": "Waive.", "reason": "Small."}
    asked = propose(**house.who("ken"), revision=draft.revision, **terms).draft
    agree(**house.who("noor"), draft_id=asked.pk, revision=asked.revision, digest=asked.digest)
    house.publish(changed(TIGHTER))
    again = house.save(house.draft(by="eve"), granted, by="eve")
    assert "Ken" in again.source, "It is word for word what a version says, so Ken did grant it."
    longer = granted | {"waivers": [granted["waivers"][0] | {"expires": until(31)}]}
    with pytest.raises(PolicyError, match="Ken did not grant"):
        house.save(again, longer, by="eve")


def test_a_version_is_brought_back_with_the_waivers_it_has_even_if_they_ended(house):
    house.publish(waived("Remit operator", days=0.001) | {"roles": changed()["roles"]})
    house.publish(changed(TIGHTER))
    draft = revert_to(**house.who("ken"), policy=house.policy(), number=2)
    assert "Remit operator" in draft.source


def test_a_source_that_somebody_opens_a_draft_from_is_asked_too(house):
    with pytest.raises(PolicyError, match="Dana did not grant"):
        open_draft(**house.who("ken"), policy=house.policy(), source=dump(waived("Dana")))
    assert not PolicyDraft.objects.exists()


def test_a_waiver_holds_ninety_days_at_most(house):
    said = refused(house, waived("Ken", days=91))
    assert "waivers.0.expires: A waiver holds 90 days at most. Write " in said
    assert f"Write {until(90)[:10]}" in said
    assert house.save(house.draft(), waived("Ken", days=89.9)).source


def test_what_was_saved_by_an_older_release_is_refused_where_it_is_published(house):
    draft = house.draft(TIGHTER)
    source = dump(waived("Ken", days=400))
    found = next(gate for gate in gates(house.policy(), source, granted=None) if gate.name == "Waivers")
    assert not found.met and "waivers.0.expires" in found.details[0]
    saved = save_draft(**house.who("ken"), draft_id=draft.pk, revision=draft.revision, plain=changed(LONGER))
    assert saved.revision == draft.revision + 1, "What it had before is left to publication."


def asked(house, draft, by: str):
    terms = {"draft_id": draft.pk, "revision": draft.revision, "message": "Waive.", "reason": "Small."}
    return propose(**house.who(by), **terms).draft


def test_who_publishes_what_an_older_release_saved_grants_it_or_nobody_does(house):
    draft = house.save(house.draft(), waived("Ken"))
    PolicyDraft.objects.update(granted=[])
    with pytest.raises(GatesUnmet, match=r"waivers\.0\.by: Ken did not grant waiver w1 here.*Write Noor"):
        asked(house, draft, "noor")
    assert "Ken did not grant waiver w1 here" in Page(house, "noor").get("publish/")
    assert "did not grant" not in Page(house, "ken").get("publish/")
    assert asked(house, draft, "ken").state == "proposed"


def test_a_grantor_is_proven_where_a_draft_is_saved_and_stays_so(house):
    draft = house.save(house.draft(), waived("Ken"))
    kept = house.save(draft, waived("Ken", id="w1") | {"policy": {"slug": "support", "name": "Desk"}}, by="noor")
    assert [waiver["by"] for waiver in kept.granted] == ["Ken"]
    assert asked(house, kept, "noor").state == "proposed"


def test_what_nobody_proved_stays_unproven_when_somebody_edits_beside_it(house):
    draft = house.save(house.draft(), waived("Ken"))
    PolicyDraft.objects.update(granted=[])
    draft.refresh_from_db()
    kept = house.save(draft, waived("Ken") | {"policy": {"slug": "support", "name": "Desk"}}, by="noor")
    assert kept.granted == []
    with pytest.raises(GatesUnmet, match="Ken did not grant"):
        asked(house, kept, "noor")


LONGER = (("policy", "name"), "Desk")


def test_the_shell_grants_in_its_own_name_alone(house):
    with pytest.raises(GatesUnmet, match=r"Ken did not grant waiver w1 here.*Write Remit operator"):
        house.publish(waived("Ken"))
    with pytest.raises(GatesUnmet, match="90 days at most"):
        house.publish(waived("Remit operator", days=91))
    assert house.live().number == 1
    version = house.publish(waived("Remit operator"))
    assert [waiver["by"] for waiver in version.waived] == ["Remit operator"]


def test_a_pasted_document_says_where_the_name_stands_and_keeps_what_was_typed(house):
    ken, draft = Page(house, "ken"), house.draft()
    text = "# Mine\n" + dump(waived("Head of operations"))
    line = next(number for number, one in enumerate(text.splitlines(), start=1) if "by: Head of operations" in one)
    page = ken.save("document/", 422, source=text)
    assert f"line {line}, column 5: waivers.0.by: Head of operations did not grant" in page and "# Mine" in page
    draft.refresh_from_db()
    assert draft.revision == ken.draft().revision == 1
