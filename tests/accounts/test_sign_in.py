"""The sign-in page with passwords, signing out, and changing the workspace."""

import pytest
from django.test import Client

from accounts.permissions import Role
from accounts.services import add_member, create_user, deactivate_user
from tests.cast import PASSWORD

WRONG = "This email and password do not match an active account."


def post(client, email, password=PASSWORD, **more):
    return client.post("/sign-in/", {"email": email, "password": password, **more})


def signed_in(client) -> bool:
    return "_auth_user_id" in client.session


def test_the_page_says_how_to_sign_in(client, db):
    page = client.get("/sign-in/?next=/traces/")
    assert page.status_code == 200
    assert page["Cache-Control"].find("no-store") >= 0
    assert 'value="/traces/"' in page.content.decode()
    assert "/oidc/" not in page.content.decode()


def test_email_and_password_sign_in_and_return_to_the_page(client, people):
    response = post(client, "DANA@northwind.example", next="/policies/")
    assert (response.status_code, response["Location"]) == (302, "/policies/")
    assert client.session["_auth_user_id"] == people.user("dana").pk


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:1", "home", ""]
)
def test_nobody_is_sent_to_another_site(client, people, target):
    assert post(client, "dana@northwind.example", next=target)["Location"] == "/"
    assert client.get("/sign-in/", {"next": target})["Location"] == "/", "nor when signed in already"


def test_every_failure_reads_the_same(client, people):
    create_user(actor=people.actor("dana"), email="oidc@northwind.example", name="Without password")
    deactivate_user(actor=people.actor("dana"), user=people.user("ken"))
    attempts = [("dana@northwind.example", "wrong"), ("nobody@northwind.example", PASSWORD),
                ("ken@northwind.example", PASSWORD), ("oidc@northwind.example", ""), ("oidc@northwind.example", "!")]  # fmt: skip
    for email, password in attempts:
        response = post(client, email, password)
        assert response.status_code == 422
        assert (WRONG in response.content.decode()) is bool(password), email
        assert not signed_in(client)


@pytest.mark.parametrize("email", ["", "dana", "dana@northwind.example\x00", "a" * 400 + "@b.example"])
def test_malformed_input_is_refused_with_a_reason(client, people, email):
    response = post(client, email)
    assert response.status_code == 422
    assert 'role="alert"' in response.content.decode()
    assert not signed_in(client)


def test_with_passwords_off_there_is_no_form_and_no_way(client, people, settings):
    settings.REMIT_PASSWORD_SIGN_IN = False
    assert 'type="password"' not in client.get("/sign-in/").content.decode()
    assert post(client, "dana@northwind.example").status_code == 405
    assert not signed_in(client)


def test_signing_out_is_a_post_and_ends_the_session(client, people):
    post(client, "dana@northwind.example")
    assert client.get("/sign-out/").status_code == 405
    assert signed_in(client)
    assert client.post("/sign-out/")["Location"] == "/sign-in/"
    assert not signed_in(client)


def test_the_forms_need_their_token(people):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(people.user("dana"))
    for path in ("/sign-out/", "/workspace/", "/sign-in/"):
        assert strict.post(path, {"workspace": people.northwind.pk}).status_code == 403
    assert "_auth_user_id" in strict.session, "a post from elsewhere signs nobody out"


def test_a_person_changes_to_a_workspace_they_belong_to(client, people):
    dana = people.user("dana")
    add_member(actor=people.actor("dana"), workspace=people.lakeside, user=dana, role=Role.MEMBER)
    client.force_login(dana)
    assert client.get("/").context["request"].workspace == people.lakeside, "the first by name"
    assert client.post("/workspace/", {"workspace": people.northwind.pk}).status_code == 302
    request = client.get("/").context["request"]
    assert (request.workspace, request.actor.workspace_id) == (people.northwind, people.northwind.pk)


@pytest.mark.parametrize("name", ["foreign", "absent", "nul", "empty"])
def test_a_foreign_workspace_looks_absent(client, people, name):
    client.force_login(people.user("dana"))
    values = {"foreign": people.lakeside.pk, "absent": people.lakeside.pk[:-4] + "0000", "nul": "\x00", "empty": ""}
    assert client.post("/workspace/", {"workspace": values[name]}).status_code == 404
    assert client.get("/").context["request"].workspace == people.northwind


def test_nobody_changes_workspace_without_signing_in(client, people):
    assert client.post("/workspace/", {"workspace": people.northwind.pk})["Location"] == "/sign-in/"
