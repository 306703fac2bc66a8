"""A person's consent, the code that is exchanged for its first tokens once, and the refresh tokens of its family."""

from django.db import models

from accounts.ids import new_id
from accounts.scopes import effects_of, in_words

USER = "accounts.User"


def new_consent_id() -> str:
    return new_id("cns")


class Consent(models.Model):
    """A person allowed an agent's client to have the agent act for them at one address. Code and tokens are digests."""

    id = models.CharField(primary_key=True, max_length=40, default=new_consent_id, editable=False)
    agent = models.ForeignKey("accounts.Agent", on_delete=models.PROTECT, related_name="consents")
    # A consent without its client gives nothing any more.
    client = models.ForeignKey("accounts.AgentClient", on_delete=models.SET_NULL, null=True, related_name="consents")
    # As the person read them: they stay when the client is gone.
    client_name = models.CharField(max_length=120)
    client_host = models.CharField(max_length=255)
    person = models.ForeignKey(USER, on_delete=models.PROTECT, related_name="consents")
    audience = models.CharField(max_length=300)
    scopes = models.CharField(max_length=60)
    redirect_uri = models.TextField()
    # Of the authorization code, and what its bearer has to know beside it (RFC 7636, S256).
    code_digest = models.CharField(max_length=64, unique=True)
    challenge = models.CharField(max_length=43)
    code_expires_at = models.DateTimeField()
    code_used_at = models.DateTimeField(null=True)
    given_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-given_at", "-id"]
        indexes = [models.Index(fields=["person"], name="consent_living", condition=models.Q(ended_at=None))]

    def __str__(self) -> str:
        return f"{self.person_id} to {self.client_name}"

    @property
    def may(self) -> list[str]:
        """What the agent may do by it at most, a sentence for each class of effect."""
        return in_words(effects_of(self.scopes))


class ConsentRefresh(models.Model):
    """One refresh token of a consent. It is used once; a second use ends the whole consent (RFC 9700, 4.14.2)."""

    consent = models.ForeignKey(Consent, on_delete=models.CASCADE, related_name="refreshes")
    digest = models.CharField(max_length=64, unique=True)
    issued_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.consent_id} {self.digest[:8]}"
