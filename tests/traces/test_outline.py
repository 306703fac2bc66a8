"""The redacted bundle: a stranger checks that the records are all there, and it has no place for a value (P6, P7)."""

import base64
import copy
import json
from pathlib import Path

import pytest
from django.test import Client
from jsonschema import Draft202012Validator

from tests.builders import planned
from tests.traces.ledgers import attacker, grow, grown, held, judged
from tests.traces.test_bundles import stranger
from traces.checkpoints.keys import sign_now
from traces.checkpoints.take import checkpoint_workspace
from traces.export import bundle, outline
from traces.models import Entry
from verify.remit_verify import OUTLINE_SAYS, plain, sha_hex

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "outline.schema.json").read_text())
BACKEND = "django.contrib.auth.backends.ModelBackend"
SECOND = 1
ANOTHER = "0" * 63 + "1"


def written(tmp_path, value, name="outline.json"):
    file = tmp_path / name
    file.write_text(json.dumps(value))
    return file


@pytest.fixture
def story(cast):
    """A trace that a checkpoint saw twice, among others; and its redacted bundle."""
    trace = planned(cast)
    checkpoint_workspace(cast.northwind.pk)
    grow(cast, trace, 3)
    grown(cast)
    return trace, outline(trace)


def test_p6_a_stranger_verifies_it_and_is_told_what_is_not_proven(cast, story, tmp_path):
    trace, made = story
    Draft202012Validator(SCHEMA).validate(made)
    client = Client()
    client.force_login(cast.user("ava"), backend=BACKEND)
    file = tmp_path / "downloaded.json"
    file.write_bytes(client.get(f"/traces/{trace.pk}/outline/").content)
    done = stranger(file)
    assert done.returncode == 0, done.stdout
    assert f"OK {len(made['entries'])} records of 1 traces" in done.stdout
    assert "What the records say is not in this file" in done.stdout


def test_it_tells_each_record_s_place_time_and_kind_and_nothing_it_says(story):
    trace, made = story
    rows = list(Entry.objects.filter(trace=trace).order_by("seq"))
    assert [(row["seq"], row["type"]) for row in made["entries"]] == [(row.seq, row.type) for row in rows]
    text = json.dumps(made)
    heads = {row["leaf"].split()[2] for row in made["proof"]["tree"] if row.get("name")}
    for row in rows:
        assert (row.hash in text) is (row.hash in heads), (
            f"The hash of record {row.seq} could be tried against guesses."
        )
        body = json.loads(row.canonical)
        assert body["actor"]["name"] not in text
    assert "ap@birch.example" not in text and "acct_5521" not in text and '"commitment"' not in text


def changed(value, *path, to):
    value = copy.deepcopy(value)
    at = value
    for part in path[:-1]:
        at = at[part]
    at[path[-1]] = to
    return value


FLIPS = {
    "schema": (("schema",), "remit.trace/2", "schema"),
    "trace": (("trace",), "trc_" + "0" * 26, "trc_"),
    "workspace": (("workspace", "id"), "wsp_other", "wsp_other"),
    "exported_at": (("exported_at",), "2020-01-01T00:00:00.000000Z", "trace.json"),
    "head.seq": (("head", "seq"), 2, "its head is record 2"),
    "head.hash": (("head", "hash"), ANOTHER, "it is not the record that was registered"),
    "entry.seq": (("entries", SECOND, "seq"), 9, "Record 2"),
    "entry.at": (("entries", SECOND, "at"), "2020-01-01T00:00:00.000000Z", "trace.json"),
    "entry.at, no time": (("entries", SECOND, "at"), "4111 1111 1111 1111", "Record 2"),
    "entry.type": (("entries", SECOND, "type"), "approval.verdict_recorded", "trace.json"),
    "entry.type, a value": (("entries", SECOND, "type"), "ap@birch.example", "Record 2"),
    "check": (("check",), OUTLINE_SAYS.replace("does not prove", "proves"), "check"),
    "tree.leaf": (("proof", "tree", 1, "leaf"), f"{ANOTHER} 1 {ANOTHER}", "does not stand for trc_"),
    "tree.log": (("proof", "tree", 0, "log"), "another/log", "Line 2"),
    "keys": (("proof", "keys", 0, "public"), "A" * 43 + "=", "signed by a key this bundle does not have"),
}  # fmt: skip


@pytest.mark.parametrize(("path", "to", "named"), FLIPS.values(), ids=FLIPS)
def test_p6_every_changed_field_is_found_by_name(story, tmp_path, path, to, named):
    _, made = story
    assert judged(written(tmp_path, made))[0]
    ok, sentence = judged(written(tmp_path, changed(made, *path, to=to)))
    assert not ok and named in sentence, sentence
    assert "cannot be read" not in sentence


@pytest.mark.parametrize("place", ["checkpoint", "manifest"])
def test_p6_a_changed_signature_is_found(story, tmp_path, place):
    _, made = story
    text = made["proof"][place]
    flipped = text[:-9] + ("B" if text[-9] == "A" else "A") + text[-8:]
    ok, sentence = judged(written(tmp_path, changed(made, "proof", place, to=flipped)))
    assert not ok and "its signature does not hold" in sentence, sentence


def test_p6_what_follows_the_signed_manifest_is_found(story, tmp_path):
    _, made = story
    hidden = f"\ncustomer: Jane Doe, card 4111\nx\n\n\u2014 nobody {base64.b64encode(b'x').decode()}\n"
    ok, sentence = judged(written(tmp_path, changed(made, "proof", "manifest", to=made["proof"]["manifest"] + hidden)))
    assert not ok and "something follows what was signed" in sentence, sentence


def test_p6_records_left_out_doubled_or_swapped_are_found(story, tmp_path):
    _, made = story
    rows = made["entries"]
    for entries in (rows[:-1], rows[1:], [*rows, rows[-1]], [rows[1], rows[0], *rows[2:]], []):
        ok, sentence = judged(written(tmp_path, made | {"entries": entries}))
        assert not ok and ("Record" in sentence or "its head is record" in sentence), sentence


def signed(made, trace):
    """As the holder of the deployment's key would sign it."""
    made = copy.deepcopy(made)
    del made["proof"]["manifest"]
    text = plain(made)
    lines = [f"scope traces {trace.workspace_id}", "withheld left out", f"trace {trace.pk}"]
    lines += [f"file trace.json {len(text.encode())} {sha_hex(text)}"]
    origin = made["proof"]["tree"][0]["log"].rpartition("/")[0]
    head = f"{origin}/bundle\nschema {made['schema']}\n"
    made["proof"]["manifest"] = sign_now(lambda at: f"{head}exported {at}\n" + "\n".join(lines) + "\n")
    return made


BACK = {
    "a record's text": (("entries", SECOND, "canonical"), "Record 2"),
    "a record's body": (("entries", SECOND, "body"), "Record 2"),
    "its hash": (("entries", SECOND, "hash"), "Record 2"),
    "who wrote it": (("entries", SECOND, "actor"), "Record 2"),
    "the name of the workspace": (("workspace", "name"), "workspace"),
    "a value beside the head": (("head", "value"), "head"),
    "a part of its own": (("withheld",), "The redacted bundle"),
    "a part of the proof": (("proof", "withheld"), "proof"),
}


@pytest.mark.parametrize(("path", "named"), BACK.values(), ids=BACK)
def test_p7_a_value_put_back_is_found_even_when_it_is_signed(story, tmp_path, path, named):
    trace, made = story
    assert judged(written(tmp_path, signed(made, trace)))[0], "What is signed again and unchanged holds."
    value = signed(changed(made, *path, to="ap@birch.example"), trace)
    ok, sentence = judged(written(tmp_path, value))
    assert (
        not ok and sentence == f"{sentence.split(':')[0]}: it holds `{path[-1]}`, which a redacted bundle never does."
    )
    assert sentence.startswith(named)


def test_a_missing_part_is_named(story, tmp_path):
    _, made = story
    ok, sentence = judged(written(tmp_path, {key: value for key, value in made.items() if key != "exported_at"}))
    assert (ok, sentence) == (False, "The redacted bundle: its `exported_at` is missing.")


def test_p6_it_cannot_hide_its_tail_nor_pass_for_a_whole_export(cast, story, tmp_path):
    trace, made = story
    grow(cast, trace, 2, start=5)
    later = outline(trace)
    cut = later | {"entries": made["entries"], "head": made["head"]}
    ok, sentence = judged(written(tmp_path, cut))
    assert not ok and f"Record {made['head']['seq'] + 1} of trace {trace.pk}: it is missing" in sentence
    whole = bundle(trace)
    swapped = whole | {"proof": whole["proof"] | {"manifest": later["proof"]["manifest"]}}
    ok, sentence = judged(written(tmp_path, swapped))
    assert (ok, sentence) == (
        False,
        "proof.manifest: it was signed for a remit.outline/1, and this is a remit.trace/1.",
    )


def test_p6_the_whole_bundle_is_held_against_it_later(cast, story, tmp_path):
    """Who was given the redacted one first finds every change that was made before the whole one."""
    trace, made = story
    kept = written(tmp_path, made, "kept.json")
    grow(cast, trace, 2, start=5)
    whole = written(tmp_path, bundle(trace), "whole.json")
    ok, sentence = judged(whole, kept)
    assert ok and "consistent with" in sentence
    assert judged(written(tmp_path, outline(trace), "later.json"), kept)[0]
    (tmp_path / "none.json").write_text("{}")
    assert judged(whole, tmp_path / "none.json") == (False, "none.json: it carries no checkpoint to hold.")


def test_p6_an_old_checkpoint_of_another_history_is_held_against_it(cast, story, tmp_path):
    trace, _ = story
    anchor = held(tmp_path, checkpoint_workspace(cast.northwind.pk))
    made = outline(grow(cast, trace, 1, start=5))
    assert judged(written(tmp_path, made), anchor)[0]
    other = held(tmp_path, checkpoint_workspace(cast.lakeside.pk), "other.txt")
    assert not judged(written(tmp_path, made), other)[0]


def test_without_a_checkpoint_it_says_so_and_does_not_verify(cast, tmp_path):
    trace = grown(cast)
    outline(trace)
    grow(cast, trace, 1, start=9)
    with attacker() as cursor:
        cursor.execute("UPDATE traces_signingkey SET sealed = 'broken'")
    made = outline(trace)
    Draft202012Validator(SCHEMA).validate(made)
    assert "cannot be opened" in made["unproven"]
    ok, sentence = judged(written(tmp_path, made))
    assert not ok and "carries no proof" in sentence
