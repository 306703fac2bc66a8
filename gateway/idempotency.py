"""Idempotency-Key with Stripe's rules: same key and bytes, same answer; same key and other bytes, 409."""

from collections.abc import Callable
from typing import Any

from accounts.models import Agent
from actions.idempotency import KeyInUse, KeyReused, Started, finish, forget, start
from gateway.problems import Problem
from traces.canonical import sha256_hex

Answer = tuple[int, dict[str, Any]]
MAX_KEY = 255
MAX_ROUTE = 120


def once(
    agent: Agent,
    *,
    route: str,
    key: str | None,
    raw: bytes,
    work: Callable[[int | None], Answer],
    resume: Callable[[str], Answer],
) -> Answer:
    """Run `work` at most once for this key, or give the stored answer, or what `resume` says of what was recorded.

    A refusal does not burn the key. Raises Problem 400 for an unusable key and 409 for a reused one.
    """
    if key is None:
        return work(None)
    if not key or len(key) > MAX_KEY or not key.isprintable():
        detail = f"Idempotency-Key has 1 to {MAX_KEY} printable characters."
        raise Problem(400, "bad-idempotency-key", "The idempotency key cannot be used", detail)
    try:
        started = start(agent=agent, route=_place(route), key=key, raw=raw)
    except KeyReused as error:
        raise Problem(409, "idempotency-key-reused", "This key was used with another body", str(error)) from error
    except KeyInUse as error:
        raise _in_use(error) from error
    if started.answer is not None:
        return started.answer
    if started.resource:
        return resume(started.resource)
    return _run(started, work)


def _place(route: str) -> str:
    """What is stored of a route: all of it, or a digest of one that is too long, never only how it begins."""
    return route if len(route) <= MAX_ROUTE else f"sha256:{sha256_hex(route.encode())}"


def _in_use(error: KeyInUse) -> Problem:
    return Problem(409, "idempotency-key-in-use", "The first request is still running", str(error))


def _run(started: Started, work: Callable[[int | None], Answer]) -> Answer:
    try:
        status, body = work(started.pk)
    except KeyInUse as error:  # The key is not ours any more, so it is not ours to release either.
        raise _in_use(error) from error
    except Problem:
        forget(pk=started.pk)
        raise
    finish(pk=started.pk, status=status, answer=body)
    return status, body
