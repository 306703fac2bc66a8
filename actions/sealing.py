"""Seals connection secrets at rest. Only the execution package opens them, in memory, for one attempt (P8)."""

from accounts.sealing import SealBroken, seal_for, unseal_for

__all__ = ["SealBroken", "seal", "unseal"]
PURPOSE = "connection secrets"


def seal(secret: str) -> str:
    """Encrypt with the newest key."""
    return seal_for(PURPOSE, secret)


def unseal(sealed: str) -> str:
    """Decrypt with the newest key, or an older one listed in SECRET_KEY_FALLBACKS. Raises SealBroken."""
    return unseal_for(PURPOSE, sealed)
