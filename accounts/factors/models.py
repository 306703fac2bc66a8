"""What a person proves themself with beyond the session: factors, recovery codes, challenges, and proofs given."""

from django.db import models

from accounts.ids import new_id

USER = "accounts.User"


def new_factor_id() -> str:
    return new_id("fac")


def new_challenge_id() -> str:
    return new_id("chl")


def new_step_up_id() -> str:
    return new_id("stp")


class Factor(models.Model):
    """An authenticator app (its secret sealed) or a passkey (its public key). Removing one deletes the row."""

    class Kind(models.TextChoices):
        TOTP = "totp", "Authenticator app"
        PASSKEY = "passkey", "Passkey"

    id = models.CharField(primary_key=True, max_length=40, default=new_factor_id, editable=False)
    user = models.ForeignKey(USER, on_delete=models.CASCADE, related_name="factors")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=80)
    # The sealed TOTP secret; or the attested credential data of a passkey, base64 (public).
    material = models.TextField()
    credential_id = models.CharField(max_length=1400, null=True, unique=True)  # noqa: DJ001 - null means "no passkey"
    # The last accepted time step of a TOTP, or the signature counter of a passkey: neither ever goes back.
    counter = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind="totp", credential_id=None)
                | models.Q(kind="passkey", credential_id__isnull=False),
                name="factor_passkeys_have_an_id",
            )
        ]

    def __str__(self) -> str:
        return self.name


class RecoveryCode(models.Model):
    """One of the codes for the day every factor is lost: stored as a digest, used once."""

    user = models.ForeignKey(USER, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"recovery code of {self.user_id}"


class Challenge(models.Model):
    """A question put to one person's authenticator in one session, answered at most once and within minutes."""

    class Purpose(models.TextChoices):
        ENROL = "enrol"
        STEP_UP = "step_up"
        VERDICT = "verdict"

    id = models.CharField(primary_key=True, max_length=40, default=new_challenge_id, editable=False)
    user = models.ForeignKey(USER, on_delete=models.CASCADE, related_name="challenges")
    session = models.CharField(max_length=64)
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    value = models.CharField(max_length=86)
    # What the answer is about: the statement a verdict signs, or the sealed secret being enrolled.
    subject = models.JSONField(default=dict)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.id


class StepUp(models.Model):
    """A person proved themself, in one session, by one method, at one time (V7.5.3)."""

    class Method(models.TextChoices):
        TOTP = "totp", "authenticator code"
        PASSKEY = "passkey", "passkey"
        RECOVERY = "recovery", "recovery code"

    id = models.CharField(primary_key=True, max_length=40, default=new_step_up_id, editable=False)
    user = models.ForeignKey(USER, on_delete=models.CASCADE, related_name="step_ups")
    session = models.CharField(max_length=64)
    method = models.CharField(max_length=10, choices=Method.choices)
    factor = models.CharField(max_length=40, blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["user", "session", "-at"], name="step_up_newest")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.method}"


class FactorAttempts(models.Model):
    """Wrong answers of one person in the running window. Its row lock makes all answers of a person wait for each other."""

    user = models.OneToOneField(USER, on_delete=models.CASCADE, primary_key=True, related_name="factor_attempts")
    failures = models.PositiveSmallIntegerField(default=0)
    since = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.failures} wrong answers of {self.user_id}"
