"""The one way a sign-in at the identity provider ends without a session."""

from accounts.models import User


class SignInRefused(Exception):
    """`kind` is stable and goes to the log and the ledger; the sentence is for the person. Neither holds a token or a code.

    `user` is the account that it is about, where the provider's answer was proven far enough to say so.
    """

    def __init__(self, kind: str, sentence: str, user: User | None = None) -> None:
        self.kind = kind
        self.user = user
        super().__init__(sentence)
