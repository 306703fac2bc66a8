"""Idempotency-Key with Stripe's rules: same key and bytes, same answer; same key and other bytes, 409."""

from collections.abc import Callable
from typing import Any

from accounts.models import Agent
from actions.idempotency import KeyInUse, KeyReused, finish, forget, start

from gateway.problems import Problem

Answer = tuple[int, dict[str, Any]]
MAX_KEY = 255


def once(agent: Agent, *, route: str, key: str | None, raw: bytes, work: Callable[[], Answer]) -> Answer:
    """Run `work` at most once for this key, or return the stored answer.

    A refusal (Problem) does not burn the key. Raises Problem 400 for an unusable key and 409 for a reused one.
    """
    if key is None:
        return work()
    if not key or len(key) > MAX_KEY or not key.isprintable():
        detail = f"Idempotency-Key has 1 to {MAX_KEY} printable characters."
        raise Problem(400, "bad-idempotency-key", "The idempotency key cannot be used", detail)
    try:
        stored = start(agent=agent, route=route, key=key, raw=raw)
    except KeyReused as error:
        raise Problem(409, "idempotency-key-reused", "This idempotency key was used with another body", str(error)) from error
    except KeyInUse as error:
        raise Problem(409, "idempotency-key-in-use", "The first request with this key is still running", str(error)) from error
    if stored is not None:
        return stored
    return _run(agent, route, key, work)


def _run(agent: Agent, route: str, key: str, work: Callable[[], Answer]) -> Answer:
    try:
        status, body = work()
    except Problem:
        forget(agent=agent, route=route, key=key)
        raise
    finish(agent=agent, route=route, key=key, status=status, answer=body)
    return status, body
