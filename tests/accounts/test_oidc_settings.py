"""Sign-in is configured by the environment: safe by default, and each mistake is named."""

import pytest

from accounts.oidc_settings import GRANTS_BACKEND, IDENTITY_BACKEND, PASSWORD_BACKEND, oidc_settings

GOOD = {"OIDC_ISSUER": "https://idp.example/", "OIDC_CLIENT_ID": "remit", "OIDC_CLIENT_SECRET": "s"}
FOUR = {f"OIDC_{name}_URL": f"https://idp.example/{name}" for name in ("AUTHORIZATION", "TOKEN", "USERINFO", "JWKS")}


def test_without_an_issuer_only_passwords_sign_in():
    found = oidc_settings({})
    assert found["REMIT_PASSWORD_SIGN_IN"] is True
    assert found["REMIT_OIDC_ENABLED"] is False
    assert found["AUTHENTICATION_BACKENDS"] == [PASSWORD_BACKEND, GRANTS_BACKEND]


def test_with_an_issuer_passwords_are_off_unless_asked_for():
    found = oidc_settings(GOOD)
    assert found["REMIT_PASSWORD_SIGN_IN"] is False
    assert found["AUTHENTICATION_BACKENDS"] == [IDENTITY_BACKEND, GRANTS_BACKEND]
    both = oidc_settings(GOOD | {"REMIT_PASSWORD_SIGN_IN": "1"})
    assert both["AUTHENTICATION_BACKENDS"] == [PASSWORD_BACKEND, IDENTITY_BACKEND, GRANTS_BACKEND]


def test_the_defaults_are_the_strict_ones():
    found = oidc_settings(GOOD)
    assert found["REMIT_OIDC_ISSUER"] == "https://idp.example/", "compared as it is, with its slash"
    assert found["REMIT_OIDC_ALGORITHMS"] == ("RS256", "PS256", "ES256")
    assert found["REMIT_OIDC_REQUIRE_VERIFIED_EMAIL"] is True
    assert (found["OIDC_USE_PKCE"], found["OIDC_PKCE_CODE_CHALLENGE_METHOD"]) == (True, "S256")
    assert found["OIDC_USE_NONCE"] is True
    assert (found["OIDC_STORE_ACCESS_TOKEN"], found["OIDC_STORE_ID_TOKEN"]) == (False, False)


def test_endpoints_are_discovered_or_given_all_four():
    assert oidc_settings(GOOD)["REMIT_OIDC_ENDPOINTS"] is None
    assert oidc_settings(GOOD | FOUR)["REMIT_OIDC_ENDPOINTS"] == FOUR


def test_the_secret_may_be_in_a_file(tmp_path):
    (tmp_path / "secret").write_text("from a file\n")
    environment = {**GOOD, "OIDC_CLIENT_SECRET": "", "OIDC_CLIENT_SECRET_FILE": str(tmp_path / "secret")}
    assert oidc_settings(environment)["OIDC_RP_CLIENT_SECRET"] == "from a file"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"OIDC_CLIENT_ID": ""}, "OIDC_CLIENT_ID"),
        ({"OIDC_CLIENT_SECRET": ""}, "OIDC_CLIENT_SECRET"),
        ({"OIDC_CLIENT_SECRET_FILE": "/nowhere/secret"}, "OIDC_CLIENT_SECRET_FILE"),
        ({"OIDC_ISSUER": "http://idp.example"}, "OIDC_ISSUER"),
        ({"OIDC_ISSUER": "http://127.0.0.1.evil.example"}, "OIDC_ISSUER"),
        ({"OIDC_ISSUER": "idp.example"}, "OIDC_ISSUER"),
        ({"OIDC_TOKEN_URL": "https://idp.example/token"}, "OIDC_JWKS_URL"),
        (FOUR | {"OIDC_JWKS_URL": "http://idp.example/keys"}, "OIDC_JWKS_URL"),
        ({"OIDC_ALGORITHMS": "RS256,none"}, "OIDC_ALGORITHMS"),
        ({"OIDC_ALGORITHMS": "HS256"}, "OIDC_ALGORITHMS"),
        ({"OIDC_ALGORITHMS": ""}, "OIDC_ALGORITHMS"),
        ({"OIDC_ATTRIBUTES": "department"}, "OIDC_ATTRIBUTES"),
        ({"OIDC_ATTRIBUTES": "shoe_size=size"}, "OIDC_ATTRIBUTES"),
        ({"OIDC_ATTRIBUTES": "title=a,title=b"}, "OIDC_ATTRIBUTES"),
        ({"OIDC_REQUIRE_ISS": "yes"}, "OIDC_REQUIRE_ISS"),
        ({"REMIT_PASSWORD_SIGN_IN": "maybe"}, "REMIT_PASSWORD_SIGN_IN"),
    ],
)
def test_a_mistake_stops_the_start_and_is_named(changes, named):
    with pytest.raises(SystemExit, match=named):
        oidc_settings(GOOD | changes)
