"""Users, workspaces, memberships, approver groups, agents and their credentials."""

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.contenttypes.fields import GenericRelation
from django.db import models
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac

from accounts.consents.models import Consent, ConsentRefresh
from accounts.factors.models import Challenge, Factor, FactorAttempts, RecoveryCode, StepUp
from accounts.ids import new_id
from accounts.permissions import Permission, Role
from accounts.scopes import AGENT

__all__ = [
    "Agent",
    "AgentClient",
    "AgentCredential",
    "Challenge",
    "ClientAssertion",
    "Consent",
    "ConsentRefresh",
    "Delegation",
    "Factor",
    "FactorAttempts",
    "Group",
    "GroupMembership",
    "Membership",
    "PersonAttribute",
    "PersonToken",
    "RecoveryCode",
    "SingleOperator",
    "StepUp",
    "User",
    "Workspace",
]


def new_user_id() -> str:
    return new_id("usr")


def new_workspace_id() -> str:
    return new_id("wks")


def new_agent_id() -> str:
    return new_id("agt")


def new_delegation_id() -> str:
    return new_id("dlg")


def new_mode_id() -> str:
    return new_id("sop")


def new_credential_id() -> str:
    return new_id("crd")


def new_person_token_id() -> str:
    return new_id("ptk")


class UserManager(BaseUserManager["User"]):
    """Finds people. It creates none, and no superuser above all: `accounts.services` does, by the rules (R-14)."""

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person. Bound to an identity provider by issuer and subject, never by email (R-10)."""

    id = models.CharField(primary_key=True, max_length=40, default=new_user_id, editable=False)
    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=120)
    issuer = models.CharField(max_length=300, null=True, blank=True)  # noqa: DJ001 - null means "no identity provider"
    subject = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    is_active = models.BooleanField(default=True)
    session_epoch = models.PositiveIntegerField(default=0, editable=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects = UserManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_once"),
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="user_email_lower"),
            models.UniqueConstraint(fields=["issuer", "subject"], name="user_identity_once"),
            models.CheckConstraint(
                condition=models.Q(issuer=None, subject=None)
                | models.Q(issuer__isnull=False, subject__isnull=False, issuer__gt="", subject__gt=""),
                name="user_identity_whole",
            ),
            # INVARIANT: nobody short-circuits object grants. Held by tests/accounts/test_models.py.
            models.CheckConstraint(condition=models.Q(is_superuser=False), name="user_never_superuser"),
        ]

    def __str__(self) -> str:
        return self.name

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """A session holds until the password or the epoch changes, so that raising the epoch ends all of them (V7.4.2).

        Held by tests/accounts/test_sessions.py.
        """
        return salted_hmac(
            "accounts.models.User.session", f"{self.session_epoch}:{self.password}", secret=secret, algorithm="sha256"
        ).hexdigest()


class Workspace(models.Model):
    """A tenant."""

    class Environment(models.TextChoices):
        PRODUCTION = "production"
        STAGING = "staging"
        SANDBOX = "sandbox"

    id = models.CharField(primary_key=True, max_length=40, default=new_workspace_id, editable=False)
    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    environment = models.CharField(max_length=12, choices=Environment.choices)
    is_sample = models.BooleanField(default=False)
    # INVARIANT: grants go with the object: Django deletes along this relation, which guardian alone does not.
    # Held by tests/accounts/test_grants.py.
    grants = GenericRelation("guardian.UserObjectPermission", object_id_field="object_pk")

    class Meta:
        default_permissions = ()
        permissions = [(permission.value, permission.value) for permission in Permission]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """One role of one person in one workspace; several rows make several roles."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=[(role.value, role.value) for role in Role])

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "workspace", "role"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role}"


class Group(models.Model):
    """People who may decide a step, named by policy routes."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="groups")
    slug = models.SlugField(max_length=60)
    name = models.CharField(max_length=120)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "slug"], name="group_slug_per_workspace")]

    def __str__(self) -> str:
        return self.name


class GroupMembership(models.Model):
    """A person in a group, and since when: late joiners do not decide older requests (R-24)."""

    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="approver_groups")
    joined_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "user"], name="group_member_once")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.group_id}"


class PersonAttribute(models.Model):
    """What an admin says of a person in one workspace, and since when: it counts for no request asked before (R-24)."""

    class Name(models.TextChoices):
        DEPARTMENT = "department"
        TITLE = "title"
        REGION = "region"

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="attributes")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="attributes")
    name = models.CharField(max_length=20, choices=Name.choices)
    value = models.CharField(max_length=80)
    since = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "user", "name"], name="attribute_once"),
            models.CheckConstraint(condition=models.Q(value__gt=""), name="attribute_says_something"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.name} {self.value}"


class Delegation(models.Model):
    """Somebody stands in for a person who is away: what that person could decide, for a while, in one workspace."""

    id = models.CharField(primary_key=True, max_length=40, default=new_delegation_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="delegations")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="delegations_given")
    delegate = models.ForeignKey(User, on_delete=models.PROTECT, related_name="delegations_received")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["starts_at", "id"]
        constraints = [
            models.CheckConstraint(condition=~models.Q(person=models.F("delegate")), name="delegation_to_another"),
            models.CheckConstraint(condition=models.Q(ends_at__gt=models.F("starts_at")), name="delegation_has_length"),
        ]

    def __str__(self) -> str:
        return f"{self.delegate_id} for {self.person_id}"


class SingleOperator(models.Model):
    """A workspace of one person, who may decide what separation of duties keeps from them. A row for each time it was on."""

    id = models.CharField(primary_key=True, max_length=40, default=new_mode_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="single_operator_modes")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="single_operator_modes")
    reason = models.TextField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_why = models.TextField(blank=True)

    class Meta:
        ordering = ["-started_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["workspace"], condition=models.Q(ended_at=None), name="single_operator_once_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id} alone in {self.workspace_id}"


class Agent(models.Model):
    """A principal of its own, with an owner and a role in a policy."""

    class State(models.TextChoices):
        ACTIVE = "active"
        PAUSED = "paused"
        DISABLED = "disabled"

    id = models.CharField(primary_key=True, max_length=40, default=new_agent_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="agents")
    slug = models.SlugField(max_length=60)
    name = models.CharField(max_length=120)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="owned_agents")
    policy = models.SlugField(max_length=60)
    role = models.SlugField(max_length=60)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    runbook_url = models.URLField(max_length=300, blank=True)
    # When its last way in was revoked (accounts.ways_in).
    shut_out_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["workspace", "slug"], name="agent_slug_per_workspace")]

    def __str__(self) -> str:
        return self.name


class AgentClient(models.Model):
    """An OAuth client of one agent; the library keeps it, and its secret hashed. Either it gets tokens by its own credentials,
    or people sign in and allow it to have the agent act for them."""

    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="clients")
    application = models.OneToOneField(
        settings.OAUTH2_PROVIDER_APPLICATION_MODEL, on_delete=models.CASCADE, related_name="agent_client"
    )
    created_at = models.DateTimeField()
    # How far its tokens may reach (accounts.scopes).
    scopes = models.CharField(max_length=60, default=AGENT)

    def __str__(self) -> str:
        return f"{self.agent_id} {self.application_id}"


class ClientAssertion(models.Model):
    """The id of an assertion by which a client proved itself, until it has run out: it is used once (RFC 7523)."""

    client = models.ForeignKey(AgentClient, on_delete=models.CASCADE, related_name="assertions")
    digest = models.CharField(max_length=64)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["client", "digest"], name="assertion_used_once")]

    def __str__(self) -> str:
        return f"{self.client_id} {self.digest[:8]}"


class AgentCredential(models.Model):
    """A bearer token of an agent: shown once, stored as a digest."""

    id = models.CharField(primary_key=True, max_length=40, default=new_credential_id, editable=False)
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="credentials")
    prefix = models.CharField(max_length=8, unique=True)
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"rmt_{self.prefix}_…"


class SignInTries(models.Model):
    """Wrong sign-ins of one account in the running window (accounts.tries); `who` is the person's id, or empty for nobody's."""

    who = models.CharField(primary_key=True, max_length=40)
    failures = models.PositiveIntegerField(default=0)
    # The count at which the ledger is told again: 1, 10, 100.
    next_told = models.PositiveIntegerField(default=1)
    since = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.failures} wrong sign-ins of {self.who or 'nobody'}"


class PersonToken(models.Model):
    """A token by which an agent acts for a person who proved who they are (RFC 8693) or consented: short, stored as a digest."""

    id = models.CharField(primary_key=True, max_length=40, default=new_person_token_id, editable=False)
    prefix = models.CharField(max_length=8, unique=True)
    digest = models.CharField(max_length=64)
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="person_tokens")
    # The client it was given to. A token without one opens nothing.
    client = models.ForeignKey(AgentClient, on_delete=models.SET_NULL, null=True, related_name="person_tokens")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="agent_tokens")
    # What it rests on where the person signed in and allowed it; null where their own token was exchanged.
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, null=True, related_name="tokens")
    audience = models.CharField(max_length=300)
    scopes = models.CharField(max_length=60)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["person"], name="person_token_living", condition=models.Q(revoked_at=None))]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """Its public part, by which the ledger names it."""
        return f"rmp_{self.prefix}"
