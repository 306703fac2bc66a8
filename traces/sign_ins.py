"""Records who signs in and out, in every workspace they belong to. Failed tries: accounts.tries."""

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver

from accounts.actors import Actor
from accounts.acts import record_everywhere
from accounts.models import User


@receiver(user_logged_in)
def signed_in(sender: object, user: User, **kwargs: Any) -> None:
    """Raises what the ledger raises: a sign-in that cannot be recorded is none."""
    backend = str(getattr(user, "backend", "")).rpartition(".")[2]
    record_everywhere(actor=_actor(user), user=user, type="sign_in.passed", body={"by": backend})


@receiver(user_logged_out)
def signed_out(sender: object, user: User | None, **kwargs: Any) -> None:
    """Nothing for a session that had nobody."""
    if isinstance(user, User):
        record_everywhere(actor=_actor(user), user=user, type="sign_in.ended", body={})


def _actor(user: User) -> Actor:
    return Actor("user", user.pk, user.name, "")
