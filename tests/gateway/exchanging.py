"""An agent's client, a person with an identity, and the exchange between them."""

import base64
import time
from urllib.parse import urlencode

from django.conf import settings
from django.test import Client

from accounts.services import issue_agent_client, link_identity
from tests.accounts.provider import CLIENT_ID, changed

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
TYPE = "urn:ietf:params:oauth:token-type:"
FORM = "application/x-www-form-urlencoded"
SUBJECTS = {"maya": "subject-maya", "ava": "subject-ava", "dana": "subject-dana", "lena": "subject-lena"}


class Desk:
    """The provider's people linked, one client of the refunds agent, and everything an exchange needs."""

    def __init__(self, cast, provider, settings) -> None:
        self.cast, self.provider = cast, provider
        settings.REMIT_EXCHANGE_AUDIENCES = (CLIENT_ID,)
        for first, subject in SUBJECTS.items():
            link_identity(actor=cast.actor("dana"), user=cast.user(first), issuer=provider.issuer, subject=subject)
        self.client = issue_agent_client(actor=cast.agent_actor, agent=cast.agent)

    def id_token(self, first: str = "maya", **changes) -> str:
        """What the provider would have given the application that the person sits at; no nonce of ours is in it."""
        now = int(time.time())
        claims = {
            "iss": self.provider.issuer, "aud": CLIENT_ID, "sub": SUBJECTS.get(first, first), "iat": now, "exp": now + 3600,
            "nonce": "the application's own",
        }  # fmt: skip
        told = changed(changed(claims, self.provider.token_changes), changes)
        return self.provider.sign(self.provider.header, told)

    def form(self, first: str = "maya", **more) -> dict:
        asked = {
            "grant_type": GRANT, "subject_token": more.pop("subject_token", None) or self.id_token(first),
            "subject_token_type": f"{TYPE}id_token", "resource": settings.REMIT_AUDIENCE_REST,
        }  # fmt: skip
        return {name: value for name, value in (asked | more).items() if value is not None}

    def exchange(self, first: str = "maya", *, client=None, **more):
        return post("/oauth/token/", self.form(first, **more), client or self.client)

    def token(self, first: str = "maya", **more) -> str:
        answer = self.exchange(first, **more)
        assert answer.status_code == 200, answer.content
        return answer.json()["access_token"]

    def mcp_token(self, first: str = "maya", **more) -> str:
        return self.token(first, resource=settings.REMIT_AUDIENCE_MCP, **more)


def post(path: str, form, client: tuple[str, str]):
    basic = base64.b64encode(":".join(client).encode()).decode()
    body = form if isinstance(form, str) else urlencode(form, doseq=True)
    return Client().post(path, body, content_type=FORM, headers={"Authorization": f"Basic {basic}"})


def rest(held: str, path: str = "tools", body: dict | None = None, **headers):
    head = {"Authorization": f"Bearer {held}", **headers}
    if body is None:
        return Client().get(f"/api/v1/{path}", headers=head)
    return Client().post(f"/api/v1/{path}", body, content_type="application/json", headers=head)
