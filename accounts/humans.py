"""Which accounts are of one human, as far as this database can tell (R-24). Any hint counts: the answer only ever refuses."""

from django.db.models import Q

from accounts.models import User


def accounts_of(user: User) -> frozenset[str]:
    """Ids of every account of the human behind one, that one included.

    The same subject at any identity provider, or the same mailbox: what stands behind a `+` in an address only sorts mail.
    """
    found = {user.pk: user}
    while True:
        alike = Q(pk__in=[])
        for one in found.values():
            alike |= _alike(one)
        more = {other.pk: other for other in User.objects.filter(alike).exclude(pk__in=found)}
        if not more:
            return frozenset(found)
        found |= more


def _alike(user: User) -> Q:
    local, _, domain = user.email.rpartition("@")
    mailbox = local.split("+")[0]
    alike = Q(email=f"{mailbox}@{domain}") | Q(email__startswith=f"{mailbox}+", email__endswith=f"@{domain}")
    return alike | Q(subject=user.subject) if user.subject else alike
