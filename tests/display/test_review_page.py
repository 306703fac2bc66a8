"""The review page as HTML: consequence before the button, one filled button, no form for those who cannot decide."""

import re

from approvals.forms import VerdictForm
from tests.display.rendering import rendered
from tests.display.samples import AT, edit_form, home_page, review_page

PAGE = "approvals/queue.html"


def test_consequence_stands_above_the_buttons():
    html = rendered(PAGE, review_page())
    assert html.index("212 people") < html.index("What will be sent") < html.index('value="approve"')


def test_verdict_carries_the_digest_of_what_is_shown():
    assert '<input type="hidden" name="digest" value="sha256:aa">' in rendered(PAGE, review_page())


def test_irreversible_approval_names_its_effect_for_the_second_press():
    assert 'data-confirm="Send to 212 people"' in rendered(PAGE, review_page())
    assert "data-confirm" not in rendered(PAGE, review_page(irreversible=False))


def test_one_filled_button_a_view():
    for context in (review_page(), review_page() | {"editing": True, "edit_form": edit_form()}):
        assert rendered(PAGE, context).count('data-kind="solid"') == 1


def test_enter_in_the_reason_decides_nothing():
    """A text area has no implicit submission; an input would press the first button, which rejects."""
    bar = rendered(PAGE, review_page()).split('class="decide"')[1]
    assert '<textarea id="reason"' in bar and not re.search(r'<input(?! type="hidden")', bar.split("</form>")[0])


def test_those_who_cannot_decide_read_why_and_get_no_form():
    html = rendered(
        PAGE, review_page(can_decide=False, can_edit=False, why_not="You approved step 1. Waiting for Finance.")
    )
    assert "You approved step 1. Waiting for Finance." in html and "/d/" not in html and 'data-key="a"' not in html


def test_decided_request_is_a_record_and_its_form_is_gone():
    html = rendered(
        PAGE, review_page(state="approved", can_decide=False, can_edit=False, settled_text="Approved by Priya Nair.")
    )
    assert "Approved by Priya Nair." in html and "/d/" not in html and "If nobody decides" not in html


def test_conflict_says_what_to_do_and_keeps_the_reason():
    form = VerdictForm({"choice": "approve", "reason": "Looks <right>.", "digest": "old"})
    form.is_valid()
    html = rendered(PAGE, review_page(conflict="The payload changed.") | {"form": form})
    assert "The payload changed." in html and "Read it again" in html and ">Looks &lt;right&gt;.</textarea>" in html


def test_missing_reason_links_to_its_field():
    form = VerdictForm({"choice": "reject", "reason": "", "digest": "x"})
    form.is_valid()
    html = rendered(PAGE, review_page() | {"form": form})
    assert 'href="#reason"' in html and 'aria-describedby="reason-error"' in html and 'id="reason-error"' in html


def test_edits_keep_the_agents_words_beside_the_persons():
    html = rendered(PAGE, review_page())
    assert "<del>" in html and "guarantee" in html and "<ins>" in html and "changed." in html


def test_letter_starts_with_its_own_first_character():
    assert re.search(r'class="letter">Hi,', rendered(PAGE, review_page()))


def test_raw_is_a_link_and_stands_alone():
    html = rendered(PAGE, review_page(raw='{"to": "<x>"}'))
    assert "As people read it" in html and "&lt;x&gt;" in html and 'class="letter"' not in html


def test_record_payload_is_a_diff_with_its_source():
    payload = {"kind": "record", "title": "What will change", "rows": [
        {"field": "credit_limit", "kind": "kept_denied", "old": "5", "new": "5", "denied": "9", "note": ""},
    ], "record": "/accounts/1", "read_at": AT}  # fmt: skip
    html = rendered(PAGE, review_page(payload=payload))
    assert "9 denied" in html and "/accounts/1" in html and "20 Nov 2026 02:03:09 UTC" in html


def test_home_counts_what_it_does_not_list():
    assert "show all 9" in rendered("console/home.html", home_page(2) | {"needs_count": 9})
    assert "What needs you" not in rendered("console/home.html", home_page(0))
