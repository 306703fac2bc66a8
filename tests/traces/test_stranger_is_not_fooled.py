"""Bundles by somebody who knows the verifier: keys that look like the one held, two readings of one text, nothing at all (P6)."""

import base64
import hashlib
import io
import json
import sys

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from accounts.actors import system_actor
from tests.traces.ledgers import grown, held, judged
from traces.bundles.write import write_workspace
from traces.checkpoints.keys import rotate_key, sign_now
from traces.checkpoints.registry import deployment
from traces.checkpoints.take import checkpoint_workspace
from traces.export import bundle
from traces.models import SigningKey
from verify.remit_verify import Bad, check_entries, key_id, main, public_key, sha_hex, spelled

RECORD = {"v": 1, "trace": "trc_1", "seq": 1, "at": "t", "type": "x", "actor": {}, "body": {}, "prev": "0" * 64}


@pytest.fixture
def exported(cast, tmp_path):
    grown(cast)
    return write_workspace(tmp_path / "b", cast.northwind.pk).path


def new_public() -> bytes:
    return Ed25519PrivateKey.generate().public_key().public_bytes_raw()


def alike(public: bytes) -> bytes:
    """A key of which all but the last part of its text is another's."""
    text = base64.b64encode(public).decode()
    return base64.b64decode("A" * 32 + text[32:])


def test_p6_a_key_that_only_ends_like_the_one_held_is_another_key(exported):
    public = base64.b64decode(SigningKey.objects.get().public)
    name = f"{deployment()}/keys"
    for one, good in ((public, True), (alike(public), False), (new_public(), False)):
        text = base64.b64encode(one).decode()
        verifier = f"{name}+{key_id(name, one).hex()}+{base64.b64encode(bytes([1]) + one).decode()}"
        assert judged(exported, key=text)[0] is good and judged(exported, key=verifier)[0] is good
        # A `+` is a character of base64 too: what follows one is no key.
        assert not judged(exported, key=f"x+{text[36:]}")[0]


@pytest.mark.parametrize("text", ["", "+", "name+00000000+", "AAAA", "not base64", "A" * 43 + "B"])
def test_a_key_that_is_none_is_an_error_and_never_no_key(exported, text):
    ok, sentence = judged(exported, key=text)
    assert not ok and "The key you hold" in sentence


def test_both_forms_of_a_key_are_read():
    public = bytes([251]) * 32  # Its base64 is full of `+`.
    plain, long = (base64.b64encode(part + public).decode() for part in (b"", b"\x01"))
    assert public_key(plain) == public_key(f"some.name/keys+0123abcd+{long}") == public
    with pytest.raises(Bad, match="not an Ed25519 public key"):
        public_key(f"some.name/keys+0123abcd+{base64.b64encode(bytes([2]) + public).decode()}")


def test_p6_a_held_key_that_signed_nothing_proves_nothing(cast, exported):
    """An older key signs everything, and the held one is only named after it: nothing endorses the first."""
    theirs = base64.b64encode(new_public()).decode()
    keys = json.loads((exported / "keys.json").read_text())
    keys[0]["until"] = "2999-01-01T00:00:00.000000Z"
    keys.append({"number": 2, "public": theirs, "from": keys[0]["until"], "until": None, "endorsement": None})
    text = json.dumps(keys, sort_keys=True, separators=(",", ":")) + "\n"
    (exported / "keys.json").write_text(text)
    signed_again(exported)
    ok, sentence = judged(exported, key=theirs)
    assert not ok and "signed by an older key than the one you hold" in sentence


def signed_again(path) -> None:
    """The manifest of what lies there now, by the newest key of this database."""
    body = (path / "manifest.txt").read_text().partition("\n\n")[0].split("\n")
    kept = [line for line in body if not line.startswith(("file ", "exported "))]
    files = [file for file in sorted(path.iterdir()) if file.name != "manifest.txt"]
    rows = [f"file {f.name} {f.stat().st_size} {hashlib.sha256(f.read_bytes()).hexdigest()}" for f in files]
    note = sign_now(lambda at: "\n".join([*kept, f"exported {at}", *rows]) + "\n")
    (path / "manifest.txt").write_text(note)


def test_a_rotated_key_that_is_held_takes_what_older_ones_signed(cast, exported, tmp_path):
    made = rotate_key(actor=system_actor("test", ""), deployment=deployment(), reason="Yearly")
    assert judged(write_workspace(tmp_path / "n", cast.northwind.pk).path, key=made.public)[0]


def entry(canonical: str) -> list[tuple[str, str, str]]:
    return [("wsp_1", canonical, sha_hex(canonical))]


@pytest.mark.parametrize(
    "text",
    [
        rfc8785.dumps(RECORD).decode().replace('"type":"x"', '"type":"y","type":"x"'),
        rfc8785.dumps(RECORD).decode().replace('"type":"x"', '"type": "x"'),
        rfc8785.dumps(RECORD).decode().replace('"type":"x"', '"type":"\\u0078"'),
        json.dumps(RECORD),
    ],
    ids=["a name twice", "a space", "an escape", "another order"],
)
def test_p6_a_record_has_one_spelling(text):
    """Else a verdict could hide from the check of its signature, or say one thing to one reader and another to the next."""
    check_entries(entry(rfc8785.dumps(RECORD).decode()))
    with pytest.raises(Bad, match="not written as ledger records are"):
        check_entries(entry(text))


@pytest.mark.parametrize(
    "value",
    [
        1e-7,
        1.5e-7,
        -2.25e-9,
        1e-5,
        0.00012345,
        -1e-6,
        1e16,
        1e21,
        1.5e300,
        0.1,
        -0.0,
        {"é": 1, "\U0001f600": 2, "\ufb33": 3},
    ],
)
def test_every_spelling_of_the_ledger_is_known(value):
    text = rfc8785.dumps({"a": [value, "\x7f\u2028\n"]}).decode()
    assert spelled(json.loads(text)) == text


def test_an_export_with_a_name_twice_is_none(cast, tmp_path):
    """Readers differ in which of the two they take."""
    text = json.dumps(bundle(grown(cast)))
    file = tmp_path / "trace.json"
    file.write_text(text)
    assert judged(file)[0]
    file.write_text('{"entries": [], ' + text[1:])
    assert judged(file) == (False, "The export has a name twice in one object.")


@pytest.mark.parametrize("made", ["folder", "list"])
def test_no_bundle_at_all_is_no_success(tmp_path, capsys, monkeypatch, made):
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert main(["--batch", str(tmp_path) if made == "folder" else "-"]) == 1
    assert capsys.readouterr().out == "FAIL There is no bundle there, so nothing holds.\n"


def test_p6_an_anchor_without_a_checkpoint_is_an_error(cast, exported, tmp_path):
    empty = tmp_path / "witness"
    empty.mkdir()
    assert judged(exported, empty) == (False, f"{empty}: it holds no checkpoint.")
    (empty / "note.txt").write_text("")
    assert not judged(exported, empty)[0]
    held(empty, checkpoint_workspace(cast.northwind.pk), "note.txt")
    assert judged(write_workspace(tmp_path / "again", cast.northwind.pk).path, empty)[0]
