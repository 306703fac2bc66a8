"""T5: an attacker changes a bundle, or the whole database with every hash recomputed and every checkpoint signed again.

The auditor holds one old checkpoint. Reduced by default; `make tamper` (REMIT_TAMPER=full) runs every byte and every record.
"""

import json
import logging
import os
import random

import pytest

from tests.builders import planned
from tests.traces.forging import HARMS, forge
from tests.traces.ledgers import grow, grown, held, judged
from traces.bundles.write import write_deployment, write_workspace
from traces.checkpoints.clock import tick
from traces.checkpoints.take import checkpoint_workspace
from traces.export import bundle
from traces.models import Entry
from verify.remit_verify import Bad, check, read_anchors, read_parts

FULL = os.environ.get("REMIT_TAMPER") == "full"
SEED = 20261121
logger = logging.getLogger("remit.tamper")
pytestmark = pytest.mark.timeout(3600)


def parts_of(path):
    return {file.name: file.read_bytes() for file in path.iterdir()}


def holds(parts, anchors=()):
    """As `judge` does, but a crash of the verifier is not a finding: only `Bad` and what cannot be decoded are."""
    try:
        check(read_parts(parts), anchors)
    except Bad as found:
        return str(found)
    except (UnicodeDecodeError, ValueError) as found:
        return f"cannot be read: {found}"
    return None


@pytest.fixture
def exported(cast, tmp_path):
    planned(cast)
    trace = grown(cast)
    anchor = held(tmp_path, checkpoint_workspace(cast.northwind.pk))
    grow(cast, trace, 4, start=5)
    parts = parts_of(write_workspace(tmp_path / "b", cast.northwind.pk, with_values=True).path)
    assert holds(parts, read_anchors([anchor])) is None
    return parts


def places(size, count):
    """Every place, or the first and last 200 and a sample."""
    if FULL or size <= count:
        return range(size)
    return sorted({*range(40), *range(size - 40, size), *random.Random(SEED).sample(range(size), count)})


def changes(data, count):
    """Every byte in full, each by its lowest bit; sampled bytes also by case and by a digit."""
    for place in places(len(data), count):
        yield place, data[place] ^ 1
    for place in random.Random(SEED).sample(range(len(data)), min(count, len(data))):
        yield from ((place, change) for change in (data[place] ^ 0x20, 0x30) if change != data[place])


def test_t5_every_changed_byte_is_found(exported):
    missed, tried = [], 0
    for name, data in exported.items():
        for place, change in changes(data, 120):
            tried += 1
            if holds(exported | {name: data[:place] + bytes([change]) + data[place + 1 :]}) is None:
                missed.append((name, place, change))
    logger.info("%s changed bytes, %s undetected", tried, len(missed))
    assert missed == [] and tried > 1000


def row_changes(rows, place):
    yield "delete", rows[:place] + rows[place + 1 :]
    yield "duplicate", rows[: place + 1] + rows[place:]
    yield "cut", rows[:place]
    yield "move", [*rows[:place], *rows[place + 1 :], rows[place]]
    if place:
        yield "swap", [*rows[: place - 1], rows[place], rows[place - 1], *rows[place + 1 :]]


def test_t5_every_row_deleted_doubled_swapped_moved_or_cut_is_found(exported):
    missed, tried = [], 0
    for name, data in exported.items():
        rows = data.splitlines(keepends=True)
        for place in places(len(rows), 30):
            for kind, changed in row_changes(rows, place):
                tried += changed != rows
                if changed != rows and holds(exported | {name: b"".join(changed)}) is None:
                    missed.append((name, place, kind))
    logger.info("%s changed rows, %s undetected", tried, len(missed))
    assert missed == []


def test_t5_every_missing_or_foreign_file_is_found(exported, cast, tmp_path):
    for name in exported:
        assert holds({key: value for key, value in exported.items() if key != name}) is not None, name
    other = parts_of(write_workspace(tmp_path / "lakeside", cast.lakeside.pk, with_values=True).path)
    for name in exported:
        assert holds(exported | {name: other[name]}) is not None or other[name] == exported[name], name


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
def test_t5_everything_recomputed_and_signed_again_is_found_by_one_old_checkpoint(cast, tmp_path, harm):
    planned(cast)
    trace, other = grown(cast), grown(cast, 3)
    tick(force=True)
    anchor = held(tmp_path, checkpoint_workspace(cast.northwind.pk))
    grow(cast, trace, 4, start=5)
    tick(force=True)
    forge(cast, trace, other, harm)
    written = write_deployment(tmp_path / "forged")
    alone, _ = judged(written.path)
    assert alone, judged(written.path)  # The forgery is whole: nothing in the bundle itself gives it away.
    ok, sentence = judged(written.path, anchor)
    assert not ok and ("Held checkpoint" in sentence), sentence


def test_t5_a_trace_bundle_cannot_hide_its_tail(cast, tmp_path):
    """An older export of the same trace with today's checkpoint: the leaves that follow give it away."""
    trace = grown(cast)
    old = bundle(trace)
    grow(cast, trace, 3, start=5)
    new = bundle(trace)
    cut = json.loads(json.dumps(new)) | {"entries": old["entries"], "head": old["head"]}
    file = tmp_path / "cut.json"
    file.write_text(json.dumps(cut))
    assert judged(file) == (False, f"Record 7 of trace {trace.pk}: it is missing; the tree has records up to 9.")


def test_first_bad_record_is_named(exported, cast):
    lines = exported["entries.jsonl"].splitlines(keepends=True)
    row = json.loads(lines[4])
    record = json.loads(row["canonical"])
    changed = [*lines[:4], lines[4].replace(b'\\"v\\":1', b'\\"v\\":2'), *lines[5:]]
    found = holds(exported | {"entries.jsonl": b"".join(changed)})
    assert found == f"Record {record['seq']} of trace {record['trace']}: it was changed after it was written."
    assert Entry.objects.filter(trace_id=record["trace"], seq=record["seq"]).exists()
