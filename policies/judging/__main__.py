"""A helper of a replay: `python -m policies.judging` reads requests from its input and writes verdicts, until its input ends.

It has the document and the requests, and neither the database nor a secret.
"""

import sys

from policies.engine.document import load
from policies.judging.pipe import receive, send
from policies.judging.verdict import Judge, Verdict


def main() -> None:
    """The first message is the document; each one after it is a list of `[text, unread]`."""
    source, out = sys.stdin.buffer, sys.stdout.buffer
    try:
        judge = Judge(load(receive(source)))
        while True:
            send(out, [one and list(one) for one in (answer(judge, *ask) for ask in receive(source))])
    except (EOFError, BrokenPipeError):  # Whoever asked is gone.
        return


def answer(judge: Judge, text: str, unread: bool) -> Verdict | None:
    """The verdict; None for a text that is no recorded request."""
    try:
        return judge.judge(text, unread=unread)
    except ValueError:
        return None


if __name__ == "__main__":
    main()
