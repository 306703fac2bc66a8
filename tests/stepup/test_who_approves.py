"""R-24: whoever is signed in approves. No entry point takes an approver, a proof or a verdict from what a request claims."""

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.actors import actor_for_agent, system_actor
from approvals.models import Verdict
from approvals.services import NotEntitled, record_verdict
from tests.stepup.conftest import BACKEND, ask_for, browser

CLAIMS = {
    "approver": "priya", "user": "priya", "user_id": "priya", "actor": "priya", "as": "priya", "on_behalf_of": "priya",
    "proof": "totp", "step_up": "passkey", "signed": "{}", "method": "passkey", "at": "2030-01-01T00:00:00Z",
}  # fmt: skip


def body(cast, refund, **more):
    claimed = {key: cast.user("priya").pk if value == "priya" else value for key, value in CLAIMS.items()}
    return {"choice": "approve", "reason": "", "digest": refund.digest, **claimed, **more}


@pytest.mark.parametrize("first", ["maya", "dana", "ava", "tomas"])
def test_page_of_a_person_who_may_not_decide_takes_no_claim_of_one_who_may(cast, refund, first):
    answer = browser(cast, first).post(f"/approvals/{refund.pk}/decide/", body(cast, refund))
    assert answer.status_code == 422 and not Verdict.objects.exists()


def test_verdict_is_of_the_session_whatever_the_body_says(cast, refund):
    claimed = body(cast, refund) | {"approver": cast.user("ken").pk, "user": cast.user("ken").pk}
    assert browser(cast, "priya").post(f"/approvals/{refund.pk}/decide/", claimed).status_code == 302
    verdict = Verdict.objects.get()
    assert verdict.user == cast.user("priya") and verdict.signed["statement"]["approver"] == cast.user("priya").pk


def test_claimed_step_up_proves_nothing(cast, refund):
    ask_for(cast, "totp")
    answer = browser(cast, "priya").post(f"/approvals/{refund.pk}/decide/", body(cast, refund))
    assert answer["Location"] == f"/approvals/{refund.pk}/confirm/" and not Verdict.objects.exists()


def test_confirm_page_takes_the_verdict_from_the_session_not_from_the_body(cast, refund):
    ask_for(cast, "totp")
    client = browser(cast, "priya")
    answer = client.post(f"/approvals/{refund.pk}/confirm/", body(cast, refund, code="000000"))
    assert answer["Location"] == f"/approvals/{refund.pk}/" and not Verdict.objects.exists()


def test_service_refuses_an_actor_that_is_not_the_approver(cast, refund):
    """INVARIANT of approvals.services.record_verdict."""
    priya = cast.user("priya")
    for actor in (cast.actor("ken"), actor_for_agent(cast.agent), system_actor("worker", cast.northwind.pk)):
        with pytest.raises(NotEntitled, match="the person who is signed in"):
            record_verdict(
                actor=actor, user=priya, request_id=refund.pk, choice="approve", reason="", digest=refund.digest
            )
    assert not Verdict.objects.exists()


def routes(resolver=None, prefix="/") -> list[str]:
    found = []
    for pattern in (resolver or get_resolver("console.urls")).url_patterns:
        if isinstance(pattern, URLResolver):
            found += routes(pattern, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            found.append(prefix + str(pattern.pattern))
    return found


def test_every_route_of_the_agent_api_approves_nothing(cast, refund):
    """All of them, by the resolver: a route that is added later is asked too."""
    agent_api = [route for route in routes() if route.startswith(("/api/", "/mcp", "/oauth"))]
    assert len(agent_api) >= 8
    client = Client()
    client.force_login(cast.user("priya"), backend=BACKEND)
    for route in agent_api:
        path = route
        for name in ("approval_id", "request_id", "trace_id", "action_id", "path"):
            path = path.replace(f"<{name}>", refund.pk).replace(f"<str:{name}>", refund.pk)
        for method in ("post", "put", "patch", "delete"):
            for more in ("", "/decide", "/approve", "/verdict"):
                getattr(client, method)(
                    path + more, body(cast, refund), content_type="application/json",
                    headers={"Authorization": f"Bearer {cast.token}"},
                )  # fmt: skip
    refund.refresh_from_db()
    assert refund.is_open and not Verdict.objects.exists()
