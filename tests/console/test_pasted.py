"""A pasted id opens what it names, for whoever may see it (P7)."""

import pytest
from django.test import Client

from tests.builders import action, planned

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def made(cast):
    return action(planned(cast), "desk.refund.create")


def answer(cast, first, wanted):
    client = Client()
    client.force_login(cast.user(first), backend=BACKEND)
    return client, client.get("/search/", {"q": f" {wanted}\n"})


def places(made):
    row = f"/traces/{made.trace_id}/?show=all#step-{made.step}"
    return {
        made.trace_id: f"/traces/{made.trace_id}/", made.pk: row, made.plan_id: f"/plans/{made.plan_id}/",
        made.agent_id: f"/agents/{made.agent_id}/",
    }  # fmt: skip


def test_each_kind_of_id_opens_its_page(cast, made):
    for wanted, place in places(made).items():
        client, found = answer(cast, "priya", wanted)
        assert (found.status_code, found["Location"]) == (302, place)
        assert client.get(place.partition("#")[0]).status_code == 200
    assert f'id="step-{made.step}"' in client.get(f"/traces/{made.trace_id}/?show=all").content.decode()


@pytest.mark.parametrize("kind", ["pk", "plan_id"])
def test_p7_what_a_person_may_not_see_is_told_like_what_is_not_there(cast, made, kind):
    wanted = getattr(made, kind)
    _, hidden = answer(cast, "omar", wanted)
    _, absent = answer(cast, "omar", wanted[:-1] + ("0" if wanted[-1] != "0" else "1"))
    assert hidden.status_code == absent.status_code == 200
    assert "No trace has this record, person or title." in hidden.content.decode()
