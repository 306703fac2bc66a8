"""Sessions end with the account or the role that carried them; every signed-in page stays out of caches (V7.4.2)."""

from django.contrib.sessions.models import Session

from accounts.http import SESSION_KEY
from accounts.models import User
from accounts.permissions import Role
from accounts.services import deactivate_user, remove_member


def test_a_deactivated_person_is_out_at_the_next_request_and_the_session_is_deleted(client, people):
    dana = people.user("dana")
    client.force_login(dana)
    assert client.get("/").status_code == 200
    deactivate_user(actor=people.actor("ken"), user=dana)
    response = client.get("/")
    assert (response.status_code, response["Location"]) == (302, "/sign-in/?next=/")
    assert not Session.objects.exists()


def test_a_session_does_not_revive_with_the_account(client, people):
    dana = people.user("dana")
    client.force_login(dana)
    deactivate_user(actor=people.actor("ken"), user=dana)
    User.objects.filter(pk=dana.pk).update(is_active=True)
    assert client.get("/").status_code == 302
    assert not Session.objects.exists()


def test_a_session_ended_by_hand_in_the_database_does_not_revive_either(client, people):
    dana = people.user("dana")
    client.force_login(dana)
    User.objects.filter(pk=dana.pk).update(is_active=False)
    assert client.get("/").status_code == 302
    User.objects.filter(pk=dana.pk).update(is_active=True)
    assert client.get("/").status_code == 302


def test_losing_the_last_role_closes_the_workspace_at_once(client, people):
    client.force_login(people.user("ava"))
    assert client.get("/").status_code == 200
    remove_member(actor=people.actor("dana"), workspace=people.northwind, user=people.user("ava"), role=Role.AUDITOR)
    assert client.get("/").status_code == 404


def test_a_workspace_in_the_session_counts_only_while_the_person_belongs_to_it(client, people):
    client.force_login(people.user("dana"))
    session = client.session
    session[SESSION_KEY] = people.lakeside.pk
    session.save()
    assert client.get("/").context["request"].workspace == people.northwind


def test_signed_in_pages_are_not_stored_and_every_answer_has_an_id(client, people):
    anonymous = client.get("/sign-in/")
    client.force_login(people.user("dana"))
    first, second = client.get("/"), client.get("/")
    assert "no-store" in first["Cache-Control"]
    assert len({anonymous["X-Request-ID"], first["X-Request-ID"], second["X-Request-ID"]}) == 3


def test_a_request_id_from_outside_is_not_taken_over(client, people):
    assert client.get("/sign-in/", headers={"x-request-id": "forged\nline"})["X-Request-ID"] != "forged\nline"


def test_a_health_check_makes_no_session(client, db):
    client.get("/healthz")
    client.get("/sign-in/")
    assert not Session.objects.exists()


def test_a_cookie_opens_nothing_in_the_agent_api(client, people):
    client.force_login(people.user("dana"))
    answer = client.post("/api/v1/traces", "{}", content_type="application/json")
    assert answer.status_code == 401
