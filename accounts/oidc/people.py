"""From verified claims to a person. The only key is (issuer, subject): an email links nothing (R-10, R-12)."""

from typing import Any

from accounts.actors import system_actor
from accounts.attributes import say_at_sign_in
from accounts.models import User
from accounts.oidc.configured import configured
from accounts.oidc.refusal import SignInRefused
from accounts.services import AccountRefused, create_user_from_identity

NAME_LONGEST = 120


def person_for(claims: dict[str, Any], info: dict[str, Any]) -> User:
    """The person bound to this identity, made at the first sign-in. Raises SignInRefused."""
    known = User.objects.filter(issuer=claims["iss"], subject=claims["sub"]).first()
    email = _verified_email(claims, info, known)
    user = known or _made(claims, info, email)
    if not user.is_active:
        raise SignInRefused("inactive", "This account is switched off. A workspace owner can tell you why.", user)
    say_at_sign_in(user, {name: info.get(claim, claims.get(claim)) for name, claim in configured().attributes.items()})
    return user


def _verified_email(claims: dict[str, Any], info: dict[str, Any], known: User | None) -> str:
    """An address the provider vouches for. A false `email_verified` in either answer refuses, an absent one by setting."""
    vouched = [source["email_verified"] for source in (claims, info) if "email_verified" in source]
    if any(value is not True for value in vouched) or (not vouched and configured().requires_verified_email):
        raise SignInRefused(
            "unverified-email",
            "Your organisation has not verified your email address. Verify it there, then sign in.",
            known,
        )
    email = info.get("email", claims.get("email"))
    if not isinstance(email, str) or not email.strip().isprintable() or "@" not in email:
        raise SignInRefused(
            "no-email", "Your organisation's sign-in gave no email address. It must release one.", known
        )
    return email.strip().lower()


def _made(claims: dict[str, Any], info: dict[str, Any], email: str) -> User:
    holder = User.objects.filter(email=email).first()
    if holder is not None:
        raise SignInRefused(
            "email-taken",
            f"{email} belongs to an account here that does not sign in this way. "
            "It is not linked by email alone. Ask whoever runs Remit to link it to your organisation's sign-in.",
            holder,
        )
    if not configured().creates_users:
        raise SignInRefused("unknown-person", "There is no account for you here yet. Ask a workspace owner for one.")
    try:
        return create_user_from_identity(
            actor=system_actor("sign-in", ""),
            issuer=claims["iss"],
            subject=claims["sub"],
            email=email,
            name=_name(info) or email,
        )
    except AccountRefused as refused:
        raise SignInRefused("not-made", f"No account could be made for you: {refused}") from refused


def _name(info: dict[str, Any]) -> str:
    """The display name as one printable line."""
    name = info.get("name")
    printable = "".join(sign for sign in name if sign.isprintable()) if isinstance(name, str) else ""
    return " ".join(printable.split())[:NAME_LONGEST]
