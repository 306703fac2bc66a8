"""Quiet hours hold back and release, digests group, urgent ones come through; people choose for themselves."""

from datetime import UTC, datetime, time, timedelta

import pytest

from accounts.clock import database_now
from accounts.services import deactivate_user, join_group, leave_group
from tests.builders import planned, request_of, vote
from tests.notices.conftest import channel, round_
from tests.notices.sinks import http_sink
from traces.notices.models import Channel, Delivery
from traces.notices.people import personal_channel
from traces.notices.project import project
from traces.notices.schedule import Schedule
from traces.notices.send import due
from traces.notices.services import NoticeRefused, Wanted, save_personal

EVERY_DAY = tuple(range(7))
NIGHT = Schedule(time(22), time(7), EVERY_DAY)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "now", "urgent", "out"),
    [
        (Schedule(), "2026-03-02T23:00", False, "2026-03-02T23:00"),
        (NIGHT, "2026-03-02T21:59:59", False, "2026-03-02T21:59:59"),
        (NIGHT, "2026-03-02T22:00", False, "2026-03-03T07:00"),
        (NIGHT, "2026-03-03T06:59:59", False, "2026-03-03T07:00"),
        (NIGHT, "2026-03-03T07:00", False, "2026-03-03T07:00"),
        (NIGHT, "2026-03-02T23:00", True, "2026-03-02T23:00"),
        (Schedule(time(22), time(7), EVERY_DAY, urgent_through=False), "2026-03-02T23:00", True, "2026-03-03T07:00"),
        (Schedule(time(22), time(7), (4,)), "2026-03-07T03:00", False, "2026-03-07T07:00"),  # Began on Friday.
        (Schedule(time(22), time(7), (5,)), "2026-03-07T03:00", False, "2026-03-07T03:00"),
        (Schedule(time(0), time(0), (5, 6)), "2026-03-07T12:00", False, "2026-03-09T00:00"),  # The whole week-end.
        (Schedule(digest_min=60), "2026-03-02T10:00", False, "2026-03-02T11:00"),
        (Schedule(digest_min=60), "2026-03-02T10:00", True, "2026-03-02T10:00"),
        (Schedule(digest_min=1440), "2026-03-02T10:00", False, "2026-03-03T00:00"),
        (Schedule(time(22), time(7), EVERY_DAY, digest_min=60), "2026-03-02T21:30", False, "2026-03-03T07:00"),
        (Schedule(time(22), time(7), EVERY_DAY, digest_min=240), "2026-03-02T16:01", False, "2026-03-02T20:00"),
    ],
)
def test_when_a_notice_goes_out(hours, now, urgent, out):
    assert hours.release_at(at(now), urgent=urgent) == at(out)


def test_hours_that_leave_no_moment_are_refused():
    assert Schedule(time(3), time(3), EVERY_DAY).never and not Schedule(time(3), time(3), EVERY_DAY[:6]).never
    with pytest.raises(ValueError, match="no moment"):
        Schedule(time(3), time(3), EVERY_DAY).release_at(at("2026-03-02T10:00"), urgent=True)


def quiet_now() -> Schedule:
    """Quiet from an hour ago until an hour from now."""
    now = database_now()
    return Schedule((now - timedelta(hours=1)).time(), (now + timedelta(hours=1)).time(), EVERY_DAY)


def over(**which) -> None:
    """The hour is over."""
    Delivery.objects.filter(state="queued", **which).update(next_at=database_now())


def test_quiet_hours_hold_back_and_release_as_one_message(cast, sink):
    with http_sink() as loud:
        held, _ = channel(cast, sink, hours=quiet_now())
        channel(cast, loud, name="loud")
        planned(cast)
        while round_():
            pass
        count = len(loud.got)
        assert count >= 2 and sink.got == []
        over(channel=held)
        assert [one.state for one in round_()] == ["sent"]
    body = sink.got[0].json
    assert len(sink.got) == 1 and body["type"] == "notices" and len(body["data"]["notices"]) == count
    assert {one["type"] for one in body["data"]["notices"]} == {"approval.requested"}


def test_a_digest_groups_until_its_boundary_and_the_next_is_another(cast, sink):
    made, _ = channel(cast, sink, hours=Schedule(digest_min=60))
    planned(cast)
    project()
    first = Delivery.objects.get(channel=made)
    assert due() == [] and first.next_at.minute == 0 and first.next_at > database_now()
    planned(cast)
    project()
    assert Delivery.objects.filter(channel=made).count() == 1
    over(channel=made)
    round_()
    planned(cast)
    project()
    assert Delivery.objects.filter(channel=made).count() == 2 and len(sink.got) == 1


def test_what_is_decided_while_held_back_is_left_out_of_the_digest(cast, sink):
    made, _ = channel(cast, sink, hours=Schedule(digest_min=60))
    first, second = planned(cast), planned(cast)
    project()
    vote(cast, request_of(first, "desk.refund.create"), "priya", "reject", "Not a duplicate at all.")
    project()
    over(channel=made)
    round_()
    urls = str(sink.got[0].json)
    assert (
        request_of(first, "desk.refund.create").pk not in urls and request_of(second, "desk.refund.create").pk in urls
    )


def test_an_incident_is_never_part_of_another(cast, sink):
    made, _ = channel(cast, sink, kind="pagerduty", hours=quiet_now())
    planned(cast)
    project()
    over(channel=made)
    while round_():
        over(channel=made)
    keys = [got.json["dedup_key"] for got in sink.got]
    assert len(keys) == len(set(keys)) >= 2


def mails_of(post_office, first: str) -> list:
    domain = f"{first}@northwind.example"
    return [mail for mail, to in zip(post_office.mails, post_office.recipients, strict=True) if domain in to]


def refunds(mails) -> list:
    return [mail for mail in mails if "Refund $240.00" in mail["Subject"]]


def settle() -> None:
    while round_():
        pass


def test_r24_the_people_a_step_waits_for_are_told_by_mail_and_nobody_else(cast, post_office):
    trace = planned(cast)
    settle()
    assert len(refunds(mails_of(post_office, "priya"))) == 1 == len(refunds(mails_of(post_office, "ken")))
    assert not any(refunds(mails_of(post_office, first)) for first in ("tomas", "maya", "dana", "ava", "nia"))
    mail = refunds(mails_of(post_office, "priya"))[0]
    text = mail.get_content()
    assert mail["Subject"] == "[Northwind] Approval needed: Refund $240.00 on order 48213"
    assert f"/approvals/{request_of(trace, 'desk.refund.create').pk}/" in text and "Due:" in text
    assert mail["Message-ID"].startswith("<msg_") and mail.get_content_type() == "text/plain"
    vote(cast, request_of(trace, "desk.refund.create"), "priya")
    settle()
    assert len(refunds(mails_of(post_office, "tomas"))) == 1, "the second step waits for finance"
    assert "step 2 of 2" in refunds(mails_of(post_office, "tomas"))[0].get_content()
    assert len(refunds(mails_of(post_office, "priya"))) == 1


def test_a_reviewer_is_not_mailed_a_step_that_a_colleague_filled_meanwhile(cast, post_office):
    hourly = Wanted(kind="email", name="x", events=("approval.requested",), schedule=Schedule(digest_min=60))
    ken = cast.user("ken")
    save_personal(actor=cast.actor("ken"), user=ken, workspace=cast.northwind, wanted=hourly, told=True)
    trace = planned(cast)
    settle()
    vote(cast, request_of(trace, "desk.refund.create"), "priya")
    settle()
    over(channel=personal_channel(ken, cast.northwind))
    settle()
    assert not refunds(mails_of(post_office, "ken")) and len(refunds(mails_of(post_office, "tomas"))) == 1


def test_a_draft_is_told_to_the_person_who_asked(cast, post_office):
    planned(cast)
    settle()
    subjects = [mail["Subject"] for mail in mails_of(post_office, "maya")]
    assert len(subjects) == 1 and subjects[0].strip().startswith("[Northwind] Draft to look at: Email the customer")


def test_r24_late_joiners_leavers_and_people_without_access_are_not_told(cast, post_office):
    priya, ken, ava = cast.user("priya"), cast.user("ken"), cast.user("ava")
    group = priya.approver_groups.get().group
    leave_group(actor=cast.actor("dana"), group=group, user=ken)
    planned(cast)
    join_group(actor=cast.actor("dana"), group=group, user=ava)
    project()
    deactivate_user(actor=cast.actor("dana"), user=priya)
    settle()
    assert refunds(post_office.mails) == []
    gone = Delivery.objects.filter(channel__person=priya)
    assert {(one.state, one.last_error) for one in gone} == {("failed", "The person is not a member here any more.")}


def test_a_person_opts_out_and_chooses_hours(cast, post_office):
    priya, ken = cast.user("priya"), cast.user("ken")
    out = Wanted(kind="email", name="x", events=())
    save_personal(actor=cast.actor("priya"), user=priya, workspace=cast.northwind, wanted=out, told=False)
    hourly = Wanted(kind="email", name="x", events=("approval.requested",), schedule=Schedule(digest_min=60))
    save_personal(actor=cast.actor("ken"), user=ken, workspace=cast.northwind, wanted=hourly, told=True)
    planned(cast)
    planned(cast)
    settle()
    assert refunds(post_office.mails) == []
    over(channel=personal_channel(ken, cast.northwind))
    settle()
    assert [mail["Subject"] for mail in mails_of(post_office, "ken")] == ["[Northwind] 2 notices from Northwind"]
    assert mails_of(post_office, "priya") == []
    with pytest.raises(NoticeRefused):
        strange = Wanted(kind="email", name="x", events=("pause.set",))
        save_personal(actor=cast.actor("ken"), user=ken, workspace=cast.northwind, wanted=strange, told=True)


def test_who_asked_may_be_told_what_was_decided(cast, post_office):
    both = Wanted(kind="email", name="x", events=("approval.requested", "approval.settled"))
    save_personal(actor=cast.actor("maya"), user=cast.user("maya"), workspace=cast.northwind, wanted=both, told=True)
    trace = planned(cast)
    vote(cast, request_of(trace, "desk.refund.create"), "priya", "reject", "Not a duplicate at all.")
    settle()
    assert any("Rejected: Refund $240.00" in mail["Subject"] for mail in mails_of(post_office, "maya"))


def test_a_mail_server_that_refuses_is_tried_again_and_says_only_its_code(cast, post_office):
    post_office.refuse = "451 4.7.1 try later, priya@northwind.example is secret"
    planned(cast)
    project()
    sent = round_()
    assert {(one.state, one.last_error) for one in sent} == {("queued", "The mail server answered 451.")}
    post_office.refuse = ""
    over()
    settle()
    assert refunds(mails_of(post_office, "priya"))


def test_without_a_mail_server_nobody_is_queued_for_mail(cast, settings):
    settings.REMIT_MAIL = False
    planned(cast)
    project()
    assert not Channel.objects.exists() and not Delivery.objects.exists()
