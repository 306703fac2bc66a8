"""The bundle matches its published schema, and a stranger can check it with nothing but SHA-256."""

import hashlib
import json
from pathlib import Path

from jsonschema import Draft202012Validator

from tests.builders import planned
from traces.export import bundle

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "trace.schema.json").read_text())


def test_bundle_and_every_record_match_the_published_schema(cast):
    exported = bundle(planned(cast))
    Draft202012Validator(SCHEMA).validate(exported)
    record_schema = {**SCHEMA["$defs"]["record"], "$defs": SCHEMA["$defs"]}
    for entry in exported["entries"]:
        Draft202012Validator(record_schema).validate(json.loads(entry["canonical"]))


def test_stranger_verifies_the_bundle_by_hashing(cast):
    exported = json.loads(json.dumps(bundle(planned(cast))))
    previous = "0" * 64
    for number, entry in enumerate(exported["entries"], start=1):
        record = json.loads(entry["canonical"])
        assert (record["seq"], record["prev"]) == (number, previous)
        previous = hashlib.sha256(entry["canonical"].encode()).hexdigest()
        assert previous == entry["hash"]
    assert exported["head"] == {"seq": len(exported["entries"]), "hash": previous}
