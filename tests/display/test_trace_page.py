"""Show work as HTML: denied values in every place, the banner of a broken chain, and a page that fits its state."""

from tests.display.rendering import rendered
from tests.display.samples import trace_page

PAGE = "traces/trace_detail.html"


def test_denied_field_shows_in_title_row_plan_check_and_diff():
    html = rendered(PAGE, trace_page())
    for words in (
        "1 field blocked",
        "2 fields allowed, 1 denied",
        "on the allowlist for crm.account.update",
        "12,000.00 denied",
    ):
        assert words in html, words


def test_sections_stand_in_the_order_of_the_design():
    html = rendered(PAGE, trace_page())
    order = ["intent", "plan", "checks", "changes", "integrity", "rollback", "calls", "escalations", "answer"]
    places = [html.index(f'id="{name}"') for name in order]
    assert places == sorted(places)


def test_what_a_tab_is_opened_for_stands_before_the_aside():
    for tab, section in {"calls": "calls", "approvals": "escalations", "events": "events"}.items():
        html = rendered(PAGE, trace_page(tab=tab))
        assert (
            html.index(f'<section id="{section}"') < html.index("<aside")
            and html.count(f'<section id="{section}"') == 1
        )


def test_passed_checks_are_a_link_that_can_be_pasted():
    folded, shown = rendered(PAGE, trace_page()), rendered(PAGE, trace_page(all_checks=True))
    assert "Show 1 passed" in folded and "scopes.crm.account" not in folded
    assert "Hide 1 passed" in shown and "scopes.crm.account" in shown


def test_passed_checks_are_open_when_there_is_nothing_else():
    html = rendered(PAGE, trace_page(shown_checks=[]))
    assert "scopes.crm.account" in html and "Show 1 passed" not in html


def test_every_call_opens_by_a_link_without_scripts():
    closed, opened = rendered(PAGE, trace_page()), rendered(PAGE, trace_page(), "?calls=all")
    assert 'id="call-2">' in closed and 'id="call-2" open>' in opened and "Collapse all" in opened


def test_withheld_values_are_counted_in_the_heading_and_kept_by_kind():
    html = rendered(PAGE, trace_page())
    assert "1 call, 2 values redacted" in html and "card number" in html and "c0ffee" not in html


def test_broken_chain_replaces_the_outcome_by_a_banner():
    html = rendered(PAGE, trace_page(sound=False))
    assert "The ledger of this trace does not hold" in html and 'role="alert"' in html
    assert "Completed" not in html and "aaaa" in html and "Does not hold" in html


def test_running_trace_updates_itself_and_asks_nothing_yet():
    html = rendered(PAGE, trace_page(finished=False, outcome="running"))
    assert 'hx-trigger="every 2s"' in html and "data-poll" in html and "running for" in html
    assert "Did this answer your question?" not in html  # An update must not take away what someone types.


def test_finished_trace_does_not_poll():
    html = rendered(PAGE, trace_page())
    assert "hx-get" not in html and "Did this answer your question?" in html


def test_answers_lead_to_their_proof_from_every_tab():
    assert 'href="#intent"' in rendered(PAGE, trace_page()) and 'href="?#intent"' in rendered(
        PAGE, trace_page(tab="calls")
    )


def test_r23_intent_and_names_hide_nothing():
    html = rendered(PAGE, trace_page(intent="Refund \u202e<b>all</b>"))
    assert "\u202e" not in html and "U+202E" in html and "<b>all</b>" not in html
