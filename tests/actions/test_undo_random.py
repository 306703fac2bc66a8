"""T18: random sequences of changes, edits by others and undos: restored byte for byte, or a conflict; never a blind overwrite.

An oracle of a few lines says what every record must hold after every step. `make undo` runs 300 sequences.
"""

import logging
import os
import random

import pytest

from actions.models import Action
from actions.rollback import RollbackRefused
from tests.actions.undoing import TICKET, UPDATE, undo, undo_all, wrote
from tests.builders import opened
from traces.checkpoints.clock import tick
from traces.ledger import verify

logger = logging.getLogger(__name__)
SEQUENCES = int(os.environ.get("REMIT_UNDO", "12"))
BATCHES = 4
FIELDS = {
    "acct_5521": ("owner_note", "refund_status", "last_contact_reason"),
    "88213": ("note", "status"),
}


class World:
    """What the desk must hold, and what each action may still put back."""

    def __init__(self, cast, desk, seed: int) -> None:
        self.cast, self.desk, self.pick = cast, desk, random.Random(seed)
        self.trace, self.told = opened(cast), {"restored": 0, "conflicts": 0, "again": 0}
        self.truth = {record: self.read(record) for record in FIELDS}
        self.todo: dict[str, dict[str, tuple[str, str]]] = {}
        self.actions: list[Action] = []

    def read(self, record: str) -> dict:
        return self.desk.read(self.path(record))

    @staticmethod
    def path(record: str) -> str:
        return f"/accounts/{record}" if record.startswith("acct_") else f"/tickets/{record}"

    def values(self, record: str, count: int) -> dict[str, str]:
        names = self.pick.sample(FIELDS[record], count)
        return {name: self.pick.choice(["open", "pending", "closed"]) if name == "status" else f"v{self.pick.random()}"
                for name in names}  # fmt: skip

    def step(self) -> None:
        doing = self.pick.choices([self.change, self.move, self.undo, self.undo_everything], [5, 1, 5, 1])[0]
        doing()
        assert {record: self.read(record) for record in FIELDS} == self.truth

    def change(self) -> None:
        record = self.pick.choice(list(FIELDS))
        values = self.values(record, self.pick.randint(1, 2))
        made = wrote(self.cast, UPDATE if record.startswith("acct_") else TICKET, record, self.trace, **values)
        before = self.truth[record]
        self.todo[made.pk] = {name: (before[name], value) for name, value in values.items() if before[name] != value}
        self.truth[record] = {**before, **values}
        self.actions.append(made)

    def move(self) -> None:
        record = self.pick.choice(list(FIELDS))
        values = self.values(record, 1)
        self.desk.patch(self.path(record), values)
        self.truth[record] = {**self.truth[record], **values}

    def record_of(self, action: Action) -> str:
        return str(action.before["record_id"])

    def fits(self, action: Action, fields: list[str], truth: dict[str, dict]) -> bool:
        """Whether these fields hold what the action wrote, and were not put back before."""
        left, record = self.todo[action.pk], truth[self.record_of(action)]
        return bool(fields) and all(name in left and record[name] == left[name][1] for name in fields)

    def put_back(self, action: Action, fields: list[str], truth: dict[str, dict]) -> None:
        record = self.record_of(action)
        truth[record] = {**truth[record], **{name: self.todo[action.pk][name][0] for name in fields}}

    def undo(self) -> None:
        if not self.actions:
            return
        action = self.pick.choice(self.actions)
        names = list(FIELDS[self.record_of(action)])
        fields = self.pick.sample(names, self.pick.randint(1, 2))
        if self.pick.random() < 0.7:  # Mostly something that makes sense; else anything.
            fields = [name for name in self.todo[action.pk] if self.pick.random() < 0.8]
        self.attempt(self.fits(action, fields, self.truth), lambda: undo(self.cast, action, fields), [(action, fields)])

    def undo_everything(self) -> None:
        """Every change that has something left, the newest first; all of it or, with one conflict, nothing."""
        wanted = [(action, list(self.todo[action.pk])) for action in reversed(self.actions) if self.todo[action.pk]]
        truth, fits = dict(self.truth), bool(wanted)
        for action, fields in wanted:
            fits = fits and self.fits(action, fields, truth)
            if fits:
                self.put_back(action, fields, truth)
        chosen = {action.pk: fields for action, fields in wanted}
        self.attempt(fits, lambda: undo_all(self.cast, self.trace, chosen), wanted)

    def attempt(self, fits: bool, doing, chosen: list[tuple[Action, list[str]]]) -> None:
        try:
            done = doing()
        except RollbackRefused:
            assert not fits
            self.told["conflicts"] += 1
            return
        assert fits and done.state in {"succeeded", "done"}
        for action, fields in chosen:
            self.put_back(action, fields, self.truth)
            self.todo[action.pk] = {n: pair for n, pair in self.todo[action.pk].items() if n not in fields}
        self.told["restored"] += 1
        action, fields = chosen[0]
        with pytest.raises(RollbackRefused):
            undo(self.cast, Action.objects.get(pk=action.pk), fields)
        self.told["again"] += 1


@pytest.mark.parametrize("batch", range(BATCHES))
def test_t18_restored_byte_for_byte_or_conflict_and_once(cast, desk, batch):
    told = {"restored": 0, "conflicts": 0, "again": 0}
    for number in range(batch, SEQUENCES, BATCHES):
        tick()  # The clock goes on: a long run without checkpoints would be held (F13).
        world = World(cast, desk, seed=number)
        world.change()  # So that there is something to undo.
        for _ in range(world.pick.randint(3, 6)):
            world.step()
        told = {key: told[key] + world.told[key] for key in told}
        assert verify(world.trace).ok
    logger.info("%(restored)s undone, %(conflicts)s refused, %(again)s second tries refused, 0 overwritten", told)
    assert min(told.values()) > 0
