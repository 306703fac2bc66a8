"""The one way a sign-in at the identity provider ends without a session."""


class SignInRefused(Exception):
    """`kind` is stable and goes to the log; the sentence is for the person. Neither holds a token or a code."""

    def __init__(self, kind: str, sentence: str) -> None:
        self.kind = kind
        super().__init__(sentence)
