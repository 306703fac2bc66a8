"""A request so slow that its retry took over its key records nothing: one key, one plan (F1)."""

import json
from datetime import timedelta

import pytest

from accounts.clock import database_now
from actions.idempotency import ABANDONED, remember_as
from actions.models import Action, IdempotencyKey, Plan
from actions.plans import Step
from actions.services import start_plan
from gateway.idempotency import Answer, once
from gateway.problems import Problem
from gateway.serialise import plan_out
from tests.builders import opened
from tests.gateway.test_bad_input import post

READ = {"title": "Read", "tool": "desk.order.get", "arguments": {"order_id": "48213"}}
BODY = {"steps": [READ]}


def overtaken(cast, trace, path: str, retry: list[dict]) -> Answer:
    """The first request, still reading its targets when the retry takes its key for abandoned and is done with it."""

    def work(key: int | None) -> Answer:
        IdempotencyKey.objects.update(created_at=database_now() - ABANDONED - timedelta(seconds=1))
        retry.append(post(path, BODY, cast.token, key="k-slow").json())
        steps = [Step(READ["title"], READ["tool"], READ["arguments"])]
        made = start_plan(
            actor=cast.agent_actor, agent=cast.agent, trace=trace, steps=steps, sources=[], remember=remember_as(key)
        )
        return 200, plan_out(made)

    raw = json.dumps(BODY).encode()
    return once(cast.agent, route=path, key="k-slow", raw=raw, work=work, resume=lambda pk: (200, {"plan_id": pk}))


def test_f1_a_request_that_was_overtaken_is_409_and_records_no_second_plan(cast):
    trace = opened(cast)
    path, retry = f"traces/{trace.pk}/plan", []
    with pytest.raises(Problem) as refused:
        overtaken(cast, trace, path, retry)
    assert (refused.value.status, refused.value.kind) == (409, "idempotency-key-in-use")
    assert Plan.objects.get().pk == retry[0]["plan_id"] and Action.objects.get().state == "succeeded"
    assert post(path, BODY, cast.token, key="k-slow").json() == retry[0]
