"""What a person reads before they allow or deny: who asks, for whom, what at most, how long, and where the answer goes."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.conf import settings

from accounts.access import token_digest
from accounts.clock import database_now
from accounts.consents.clients import ClientShown
from accounts.consents.redirects import host_of
from accounts.consents.services import LIFE
from accounts.models import Agent, User
from accounts.scopes import EVERYTHING, effects_of, in_words


@dataclass(frozen=True)
class ConsentPage:
    """One request of a client, every part of it found good."""

    client: ClientShown
    agent: Agent
    person: User
    scopes: str
    audience: str
    redirect_uri: str

    @property
    def may(self) -> list[str]:
        """What the agent may do for this person at most, a sentence for each class of effect."""
        return in_words(effects_of(self.scopes))

    @property
    def may_not(self) -> list[str]:
        """The rest, so that what is missing is seen."""
        return in_words(EVERYTHING - effects_of(self.scopes))

    @property
    def door(self) -> str:
        """Which of the two addresses it is for."""
        return "MCP" if self.audience == settings.REMIT_AUDIENCE_MCP else "REST"

    @property
    def hours(self) -> int:
        """How long it holds."""
        return int(LIFE.total_seconds() // 3600)

    @cached_property
    def until(self) -> datetime:
        """When it ends by itself, if it is given now."""
        return database_now() + LIFE

    @property
    def host(self) -> str:
        """Where the answer is sent."""
        return host_of(self.redirect_uri)

    @property
    def stays_here(self) -> bool:
        """Whether that is a program on the person's own machine."""
        return not self.redirect_uri.startswith("https:")

    @property
    def digest(self) -> str:
        """Of all that is shown, so that an answer is to this and nothing else."""
        client = (self.client.name, self.client.host, str(self.client.published))
        whose = (self.agent.pk, self.agent.name, self.agent.owner_id, self.person.pk)
        return token_digest("\n".join((*client, *whose, self.scopes, self.audience, self.redirect_uri)))
