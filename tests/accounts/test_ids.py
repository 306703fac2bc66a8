"""Public ids only grow, never repeat, and are recognised by their form."""

import threading

import pytest

from accounts import ids
from accounts.ids import is_id, new_id


def test_ids_of_one_process_only_grow():
    made = [new_id("trc") for _ in range(5_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_ids_grow_when_the_machine_clock_steps_back(monkeypatch):
    before = new_id("trc")
    monkeypatch.setattr(ids.time, "time_ns", lambda: 1_000_000)
    assert new_id("trc") > before


def test_ids_of_many_threads_differ():
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.extend(new_id("act") for _ in range(500))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 4_000


def test_an_id_is_known_by_its_form():
    assert is_id("usr", new_id("usr"))
    assert len(new_id("usr")) == 30


@pytest.mark.parametrize(
    "text",
    [
        "",
        "usr_",
        new_id("wks"),
        new_id("usr")[:-1],
        new_id("usr") + "0",
        new_id("usr") + "\n",
        new_id("usr").lower(),
        "usr_8" + "0" * 25,
        "usr_0" + "U" * 25,
        "usr_0" + "\x00" * 25,
    ],
    ids=lambda _: "text",
)
def test_anything_else_is_not(text):
    assert not is_id("usr", text)
