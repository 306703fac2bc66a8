"""Every URL x every cast member: a new URL without a row fails, a foreign object looks like a missing one (T1, P7)."""

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.builders import planned, request_of

BACKEND = "django.contrib.auth.backends.ModelBackend"
CAST = ["dana", "ken", "priya", "tomas", "ava", "maya", "omar", "lena", None]
IN, OUT = ["dana", "ken", "priya", "tomas", "ava"], ["omar", "lena"]

# name -> (method, path template, {cast member: status}). Members not named get `other`.
ROWS: dict[str, tuple[str, str, dict, int]] = {
    "console:home": ("get", "/", {None: 302}, 200),
    "console:search": ("get", "/search/?q={trace}", {None: 302}, 302),
    "traces:list": ("get", "/traces/", {None: 302}, 200),
    "traces:detail": ("get", "/traces/{trace}/", {**dict.fromkeys(OUT, 404), None: 302}, 200),
    "traces:export": ("get", "/traces/{trace}/export/", {"maya": 403, **dict.fromkeys(OUT, 404), None: 302}, 200),
    "traces:verify": ("post", "/traces/{trace}/verify/", {**dict.fromkeys(OUT, 404)}, 302),
    "traces:answer": ("post", "/traces/{trace}/answer/", {**dict.fromkeys(OUT, 404)}, 302),
    "approvals:queue": ("get", "/approvals/", {None: 302}, 200),
    "approvals:review": ("get", "/approvals/{approval}/", {**dict.fromkeys(OUT, 404), None: 302}, 200),
    "approvals:decide": ("post", "/approvals/{approval}/decide/", {**dict.fromkeys(OUT, 404), None: 302}, 422),
    "actions:edit": ("post", "/approvals/{approval}/edit/", {**dict.fromkeys(OUT, 404), None: 302}, 422),
    "actions:rollback": (
        "get",
        "/traces/{trace}/roll-back/",
        {"dana": 200, "priya": 200, **dict.fromkeys(OUT, 404), None: 302},
        403,
    ),
    "policies:list": ("get", "/policies/", {None: 302}, 200),
    "policies:detail": ("get", "/policies/support/", {"maya": 404, **dict.fromkeys(OUT, 404), None: 302}, 200),
    "accounts:sign_in": ("get", "/sign-in/", {None: 200}, 302),
    "accounts:sign_out": ("post", "/sign-out/", {}, 302),
    "accounts:switch_workspace": ("post", "/workspace/", {None: 302}, 404),
    "console:healthz": ("get", "/healthz", {}, 200),
    "console:readyz": ("get", "/readyz", {}, 200),
    "mcp": ("post", "/mcp", {}, 501),
    "oauth": ("post", "/oauth/token", {}, 501),
}
# The agent API knows no people: each route answers 401 without an agent token (tests/gateway).
AGENT_API = "api-1:"
# Mounted only with an identity provider; held by tests/accounts/test_oidc_sign_in.py and test_oidc_attacks.py.
OIDC = {"oidc_authentication_init", "oidc_authentication_callback", "oidc_logout"}


def names(resolver=None, prefix="") -> set[str]:
    found: set[str] = set()
    for pattern in (resolver or get_resolver("console.urls")).url_patterns:
        if isinstance(pattern, URLResolver):
            found |= names(pattern, f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix)
        elif isinstance(pattern, URLPattern) and pattern.name:
            found.add(f"{prefix}{pattern.name}")
    return found


def test_every_route_has_a_row():
    assert {name for name in names() if not name.startswith(AGENT_API)} - OIDC == set(ROWS)


@pytest.fixture
def places(cast):
    trace = planned(cast)
    return {"trace": trace.pk, "approval": request_of(trace, "desk.refund.create").pk}


def ask(cast, first, method, path, **extra):
    client = Client()
    if first is not None:
        client.force_login(cast.user(first), backend=BACKEND)
    return getattr(client, method)(path, **extra)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_row(cast, places, name):
    method, template, statuses, other = ROWS[name]
    seen = {first: ask(cast, first, method, template.format(**places)).status_code for first in CAST}
    assert seen == {first: statuses.get(first, other) for first in CAST}


@pytest.mark.parametrize("name", sorted(name for name, row in ROWS.items() if "{" in row[1] and "search" not in row[1]))
def test_p7_foreign_object_answers_like_a_missing_one(cast, places, name):
    method, template, _, _ = ROWS[name]
    missing = {"trace": "trc_00000000000000000000000000", "approval": "apr_00000000000000000000000000"}
    foreign = ask(cast, "omar", method, template.format(**places))
    absent = ask(cast, "omar", method, template.format(**missing))
    assert foreign.status_code == absent.status_code == 404
    strip = lambda answer: answer.content.replace(b"csrf", b"")  # noqa: E731
    assert len(strip(foreign)) == len(strip(absent))


def test_v352_every_unsafe_route_needs_a_csrf_token(cast, places):
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.user("priya"), backend=BACKEND)
    for name, (method, template, _, _) in ROWS.items():
        if method == "post" and name not in {"mcp", "oauth"}:
            assert client.post(template.format(**places)).status_code == 403, name


def test_unsafe_routes_refuse_get(cast, places):
    for name in (
        "traces:verify",
        "traces:answer",
        "approvals:decide",
        "accounts:switch_workspace",
        "accounts:sign_out",
    ):
        assert ask(cast, "priya", "get", ROWS[name][1].format(**places)).status_code == 405, name


def test_v346_pages_carry_a_strict_policy_and_are_not_stored(cast, places):
    answer = ask(cast, "priya", "get", f"/traces/{places['trace']}/")
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert "no-store" in answer["Cache-Control"] and answer["X-Frame-Options"] == "DENY"
