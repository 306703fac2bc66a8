"""Checks an exported Remit ledger offline: `python remit_verify.py BUNDLE [--anchor FILE] [--batch]`.

One file; needs Python 3.11 and `cryptography`, no network, nothing of Remit. A BUNDLE is a folder, a .zip of it, or the JSON of
one trace. Prints `OK` with what was proven, or `FAIL` with the first bad record by name; exit code 0 or 1 (docs/ledger.md).
"""

import argparse
import base64
import hashlib
import json
import re
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

GENESIS = "0" * 64
BUNDLE, TRACE, OUTLINE = "remit.bundle/1", "remit.trace/1", "remit.outline/1"
RECORD = {"v", "trace", "seq", "at", "type", "actor", "body", "prev"}
FILES = {"manifest.txt", "entries.jsonl", "tree.jsonl", "checkpoints.txt", "keys.json", "withheld.jsonl"}
# What an outline has, and nothing else: a value has no place in it where it could hide.
OUTLINED = {"schema", "trace", "workspace", "exported_at", "head", "entries", "check", "proof"}
OUTLINE_SAYS = (
    "This is a redacted bundle: `python remit_verify.py THIS.json [--anchor FILE]` checks it offline. It proves that the trace "
    "has these records and no other up to its head, that each head a signed checkpoint registered was reached with that many "
    "records, and that the deployment signed this list of places, times and kinds. It does not prove what a record says, who "
    "wrote it, or its hash: that takes the signed bundle, which must verify with --anchor THIS.json."
)
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
KIND = re.compile(r"[a-z_]{1,60}\.[a-z_]{1,60}")
HEAD = re.compile(r"([0-9a-f]{64}) ([1-9][0-9]*) ([0-9a-f]{64})")
SIZED = re.compile(r"([0-9a-f]{64}) ([1-9][0-9]*) (0|[1-9][0-9]*) ([0-9a-f]{64})")
SIGNATURE = re.compile("\u2014 (\\S+) ([A-Za-z0-9+/=]+)")


class Bad(Exception):
    """What does not hold, with the record's name first."""


def bad(sentence: str) -> NoReturn:
    raise Bad(sentence)


# --- Hashes: RFC 9162 trees and SHA-256 -----------------------------------------------------------------------------
def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def sha_hex(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def leaf_hash(text: str) -> bytes:
    return sha(b"\x00" + text.encode("utf-8"))


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha(b"\x01" + left + right)


EMPTY = sha(b"")


class Growing:
    """A tree that grows by leaves, kept as the roots of its whole subtrees: enough to know its root at every size."""

    def __init__(self, size: int = 0, frontier: Sequence[bytes] = ()) -> None:
        heights = [bit for bit in range(size.bit_length() - 1, -1, -1) if size >> bit & 1]
        if len(heights) != len(frontier):
            raise ValueError("The frontier does not fit the size.")
        self.size, self.peaks = size, list(zip(heights, frontier, strict=True))

    def add(self, leaf: bytes) -> list[tuple[int, bytes]]:
        """One leaf's hash more. Gives the whole subtrees it completed, as (height, hash)."""
        height, made = 0, []
        while self.peaks and self.peaks[-1][0] == height:
            leaf = node_hash(self.peaks.pop()[1], leaf)
            height += 1
            made.append((height, leaf))
        self.peaks.append((height, leaf))
        self.size += 1
        return made

    def root(self) -> bytes:
        if not self.peaks:
            return EMPTY
        found = self.peaks[-1][1]
        for _, peak in reversed(self.peaks[:-1]):
            found = node_hash(peak, found)
        return found


def inclusion_holds(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """RFC 9162, 2.1.3.2."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(step, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, step)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def consistency_holds(first: int, second: int, proof: Sequence[bytes], old: bytes, new: bytes) -> bool:
    """RFC 9162, 2.1.4.2: the tree of `first` leaves is the beginning of the tree of `second`."""
    if first == second:
        return not proof and old == new
    if not 0 < first < second or not proof:
        return first == 0 and old == EMPTY and not proof
    path = [old, *proof] if first & (first - 1) == 0 else list(proof)
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    left = right = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            left, right = node_hash(step, left), node_hash(step, right)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            right = node_hash(right, step)
        at, last = at >> 1, last >> 1
    return last == 0 and left == old and right == new


# --- Signed notes (C2SP signed-note, tlog-checkpoint) -----------------------------------------------------------------
def key_id(name: str, public: bytes) -> bytes:
    return sha(name.encode("utf-8") + b"\n\x01" + public)[:4]


@dataclass(frozen=True)
class Note:
    """A signed text. `body` is what is signed; `fields` are its extension lines by first word."""

    body: str
    name: str
    signature: bytes
    text: str

    @property
    def lines(self) -> list[str]:
        return self.body[:-1].split("\n")

    @property
    def origin(self) -> str:
        return self.lines[0]

    @property
    def digest(self) -> str:
        return sha_hex(self.body)

    def all(self, word: str) -> list[str]:
        return [line.partition(" ")[2] for line in self.lines[1:] if line.partition(" ")[0] == word]

    def one(self, word: str) -> str:
        found = self.all(word)
        return found[0] if len(found) == 1 else bad(f"{self.origin}: the line `{word}` is missing or stands twice.")


@dataclass(frozen=True)
class Checkpoint:
    """What a log's signer said at one time."""

    note: Note
    origin: str
    size: int
    root: bytes
    number: int
    time: str
    previous: str

    @property
    def name(self) -> str:
        return f"Checkpoint {self.number} of {self.origin}"


def read_notes(text: str, what: str) -> list[Note]:
    """Notes one after another, one empty line between them, and not a byte more."""
    notes: list[Note] = []
    body: list[str] = []
    for line in text.split("\n"):
        found = SIGNATURE.fullmatch(line)
        if not found:
            body.append(line)
            continue
        if len(body) < 3 or body[-1] != "":
            bad(f"{what}: a signature stands where none may.")
        start = 1 if notes and body[0] == "" else 0
        signed = "\n".join(body[start:-1]) + "\n"
        whole = f"{signed}\n{line}\n"
        notes.append(Note(signed, found[1], _base64(found[2], what), whole))
        body = []
        # The newline that ends a signature line leaves one empty string, which begins the next note or ends the file.
    if not notes or "\n".join(note.text for note in notes) != text:
        bad(f"{what}: it is not a sequence of signed notes.")
    return notes


def _base64(text: str, what: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        bad(f"{what}: {text[:20]} is not base64.")
    return data if base64.b64encode(data).decode() == text else bad(f"{what}: {text[:20]} is not plain base64.")


def checkpoint_of(note: Note) -> Checkpoint:
    """Raises Bad for a note that is not a checkpoint."""
    lines = note.lines
    if len(lines) < 6 or not lines[1].isdecimal() or not note.one("number").isdecimal():
        bad(f"{lines[0]}: a note that is not a checkpoint.")
    root, number = _base64(lines[2], lines[0]), int(note.one("number"))
    return Checkpoint(note, lines[0], int(lines[1]), root, number, note.one("time"), note.one("previous"))


class Keys:
    """The deployment's public keys, each endorsed by the one before it."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.rows = list(rows)
        for place, row in enumerate(self.rows, 1):
            if set(row) != {"number", "public", "from", "until", "endorsement"} or row["number"] != place:
                bad(f"Key {place}: it is missing or not in its place.")
        if not self.rows:
            bad("Key 1: the bundle has no keys.")
        self.publics = [_base64(row["public"], f"Key {row['number']}") for row in self.rows]

    def signer(self, note: Note, time: str, what: str) -> int:
        """The number of the key that signed. Raises Bad."""
        for row, public in zip(self.rows, self.publics, strict=True):
            if note.signature[:4] != key_id(note.name, public):
                continue
            try:
                Ed25519PublicKey.from_public_bytes(public).verify(note.signature[4:], note.body.encode("utf-8"))
            except (InvalidSignature, ValueError):
                bad(f"{what}: its signature does not hold.")
            if note.name != note.origin:
                bad(f"{what}: it is signed in the name of {note.name}.")
            if time < row["from"] or (row["until"] and time > row["until"]):
                bad(f"{what}: key {row['number']} was not in use at {time}.")
            return int(row["number"])
        bad(f"{what}: it is signed by a key this bundle does not have.")

    def check(self, deployment: str, pinned: bytes | None) -> int:
        """Every key after the first, or after the pinned one, is endorsed by the one before it. Gives its number. Raises Bad."""
        name, first = f"{deployment}/keys", 1
        if pinned is not None:
            first = max((place for place, public in enumerate(self.publics, 1) if public == pinned), default=0)
        if not first:
            bad("Key 1: the key you hold is not among the keys of this bundle.")
        if self.rows[0]["endorsement"] is not None or self.rows[-1]["until"] is not None:
            bad("Key 1: the history of keys has no beginning or no end.")
        for older, row in zip(self.rows[first - 1 :], self.rows[first:], strict=False):
            what = f"Key {row['number']}"
            if row["endorsement"] is None:
                bad(f"{what}: key {older['number']} did not endorse it. If you know it, give it with --key.")
            note = read_notes(str(row["endorsement"]), what)[0]
            wanted = f"{name}\nkey {row['number']}\npublic {row['public']}\nfrom {row['from']}\n"
            if note.body != wanted or older["until"] != row["from"]:
                bad(f"{what}: its endorsement is not of this key.")
            if self.signer(note, older["from"], what) != older["number"]:
                bad(f"{what}: key {older['number']} did not endorse it.")
        return first


def public_key(text: str) -> bytes:
    """The 32 bytes of a key as it stands in a bundle, or of a C2SP verifier key (`name+hash+key`). Raises Bad."""
    found = re.fullmatch(r"[^+\s]+\+[0-9a-f]{8}\+([A-Za-z0-9+/=]+)", text)
    raw = _base64(found[1] if found else text, "The key you hold")
    if found and raw[:1] == b"\x01":
        raw = raw[1:]
    return raw if len(raw) == 32 else bad("The key you hold: it is not an Ed25519 public key.")


# --- What a bundle holds ----------------------------------------------------------------------------------------------
@dataclass
class Tree:
    """The part of one log's tree that a bundle carries: the frontier before `start`, then every leaf."""

    origin: str
    start: int
    frontier: list[bytes]
    leaves: list[tuple[str, str]]
    consistency: dict[int, list[bytes]] = field(default_factory=dict)
    roots: dict[int, bytes] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return self.start + len(self.leaves)

    def grow(self, wanted: set[int]) -> None:
        """Compute the root at each wanted size that can be computed, and at the end."""
        try:
            growing = Growing(self.start, self.frontier)
        except ValueError:
            bad(f"Tree of {self.origin}: its beginning does not fit.")
        wanted = wanted | {self.size}
        for leaf, _ in (("", ""), *self.leaves):
            if leaf:
                growing.add(leaf_hash(leaf))
            if growing.size in wanted:
                self.roots[growing.size] = growing.root()


@dataclass
class Content:
    """A bundle, parsed strictly: the text that was read is the only text these values have."""

    scope: list[str]
    manifest: Note
    entries: list[tuple[str, str, str]]
    trees: dict[str, Tree]
    checkpoints: dict[str, list[Checkpoint]]
    keys: Keys
    withheld: Sequence[Mapping[str, Any]]
    digests: dict[str, tuple[int, str]]
    outline: "Outline | None" = None


@dataclass(frozen=True)
class Outline:
    """A trace of which only the number of records and the last hash are told. A hash is empty where it is not told."""

    workspace: str
    trace: str
    hashes: list[str]


def plain(value: Any) -> str:
    """The one way a line of a bundle is written."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def spelled(value: Any) -> str:
    """The RFC 8785 text of a value that was read from JSON."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(f"{plain(name)}:{spelled(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(spelled, value)) + "]"
    return _number(value) if isinstance(value, float) else plain(value)


def _number(value: float) -> str:
    """As ECMAScript writes it: Python begins its exponents earlier, and fills them up with a zero."""
    text, _, exponent = repr(value).partition("e")
    if not exponent or int(exponent) > 0:
        return repr(value)
    if int(exponent) < -6:
        return f"{text}e{int(exponent)}"
    sign, digits = "-" * (value < 0), text.lstrip("-").replace(".", "")
    return f"{sign}0.{'0' * (-int(exponent) - 1)}{digits}"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else bad("The export has a name twice in one object.")


def _parsed(text: str, what: str) -> Any:
    try:
        value = json.loads(text)
        if plain(value) == text:
            return value
    except (ValueError, RecursionError):
        pass
    bad(f"{what}: it is not written as bundles are.")


def _lines(data: bytes, name: str, keys: set[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    text = data.decode("utf-8")
    if text and not text.endswith("\n"):
        bad(f"{name}: its last line is cut.")
    for number, line in enumerate(text.split("\n")[:-1], 1):
        what = f"Line {number} of {name}"
        value = _parsed(line, what)
        if not isinstance(value, dict) or not keys <= set(value):
            bad(f"{what}: it lacks a part.")
        yield what, value


def _hashes(values: Any, what: str) -> list[bytes]:
    if not isinstance(values, list) or not all(isinstance(v, str) and re.fullmatch("[0-9a-f]{64}", v) for v in values):
        bad(f"{what}: it has something that is not a hash.")
    return [bytes.fromhex(value) for value in values]


def read_trees(rows: Iterable[tuple[str, dict[str, Any]]]) -> dict[str, Tree]:
    """Trees from their lines: a heading for each log, then its leaves in order."""
    trees: dict[str, Tree] = {}
    for what, row in rows:
        if set(row) == {"consistency", "frontier", "log", "start"}:
            if row["log"] in trees or not isinstance(row["start"], int) or row["start"] < 0:
                bad(f"{what}: a tree begins twice or nowhere.")
            proofs = {int(size): _hashes(proof, what) for size, proof in row["consistency"].items()}
            trees[row["log"]] = Tree(row["log"], row["start"], _hashes(row["frontier"], what), [], proofs)
        elif set(row) == {"index", "leaf", "log", "name"} and row["log"] in trees:
            tree = trees[row["log"]]
            if row["index"] != tree.size:
                bad(f"{what}: leaf {row['index']} of {tree.origin} is not the next one.")
            if row["name"] and sha_hex(row["name"]) != row["leaf"].partition(" ")[0]:
                bad(f"{what}: leaf {row['index']} does not stand for {row['name']}.")
            tree.leaves.append((row["leaf"], row["name"]))
        else:
            bad(f"{what}: it is neither a tree nor a leaf of one.")
    return trees


def read_parts(parts: Mapping[str, bytes]) -> Content:
    """A bundle from its files. Raises Bad."""
    missing = FILES - {"withheld.jsonl"} - set(parts)
    if missing or set(parts) - FILES:
        bad(f"{min(missing or set(parts) - FILES)}: the file is {'missing' if missing else 'not part of a bundle'}.")
    manifest = read_notes(parts["manifest.txt"].decode("utf-8"), "manifest.txt")[0]
    if manifest.one("schema") != BUNDLE or manifest.text.encode("utf-8") != parts["manifest.txt"]:
        bad("manifest.txt: it is not the manifest of a Remit bundle.")
    entries = []
    for what, row in _lines(parts["entries.jsonl"], "entries.jsonl", {"canonical", "hash", "workspace"}):
        if set(row) != {"canonical", "hash", "workspace"} or not all(isinstance(v, str) for v in row.values()):
            bad(f"{what}: it has a part that does not belong.")
        entries.append((row["workspace"], row["canonical"], row["hash"]))
    withheld = [row for _, row in _lines(parts.get("withheld.jsonl", b""), "withheld.jsonl", {"commitment", "value"})]
    digests = {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in parts.items()}
    return Content(
        manifest.one("scope").split(" "), manifest, entries,
        read_trees(_lines(parts["tree.jsonl"], "tree.jsonl", {"log"})),
        read_checkpoints(parts["checkpoints.txt"].decode("utf-8")),
        Keys(_parsed(parts["keys.json"].decode("utf-8").removesuffix("\n"), "keys.json")), withheld,
        {name: found for name, found in digests.items() if name != "manifest.txt"},
    )  # fmt: skip


def read_checkpoints(text: str) -> dict[str, list[Checkpoint]]:
    logs: dict[str, list[Checkpoint]] = {}
    for note in read_notes(text, "checkpoints.txt"):
        logs.setdefault(note.origin, []).append(checkpoint_of(note))
    return logs


def read_json(data: bytes) -> Content:
    """The JSON export of one trace, whole or redacted, with its proof. Raises Bad."""
    value = json.loads(data.decode("utf-8"), object_pairs_hook=_once)
    schema = value.get("schema") if isinstance(value, dict) else None
    if schema not in (TRACE, OUTLINE):
        bad("schema: this is not the export of a trace.")
    proof = value.get("proof")
    if not isinstance(proof, dict):
        bad("The export carries no proof: it was made without a checkpoint.")
    manifest, *more = read_notes(proof.pop("manifest"), "proof.manifest")
    if more:
        bad("proof.manifest: something follows what was signed.")
    text = plain(value).encode("utf-8")
    outline, entries = (read_outline(value), []) if schema == OUTLINE else (None, read_entries(value))
    if manifest.one("schema") != schema:
        bad(f"proof.manifest: it was signed for a {manifest.one('schema')}, and this is a {schema}.")
    return Content(
        manifest.one("scope").split(" "), manifest, [(value["workspace"]["id"], *entry) for entry in entries],
        read_trees((f"Line {n} of proof.tree", row) for n, row in enumerate(proof["tree"], 1)),
        read_checkpoints(proof["checkpoint"]), Keys(proof["keys"]), [],
        {"trace.json": (len(text), hashlib.sha256(text).hexdigest())}, outline,
    )  # fmt: skip


def read_entries(value: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The text and hash of each record of a whole export. Raises Bad."""
    if not all(set(entry) == {"canonical", "hash"} for entry in value["entries"]):
        bad("entries: one has a part that does not belong.")
    if value["head"] != {"seq": len(value["entries"]), "hash": value["entries"][-1]["hash"]}:
        bad(f"Trace {value['trace']}: its head is not its last record.")
    return [(entry["canonical"], entry["hash"]) for entry in value["entries"]]


def read_outline(value: Mapping[str, Any]) -> Outline:
    """What a redacted export tells. Raises Bad with the first thing that is missing, or that it must not hold."""
    only(value, OUTLINED, "The redacted bundle")
    only(value["workspace"], {"id"}, "workspace")
    only(value["head"], {"seq", "hash"}, "head")
    # The manifest is taken out before this.
    only(value["proof"], {"checkpoint", "keys", "tree"}, "proof")
    if value["check"] != OUTLINE_SAYS:
        bad("check: it says something else than what a redacted bundle proves.")
    if not INSTANT.fullmatch(value["exported_at"]):
        bad("exported_at: it is not a time in UTC.")
    for place, entry in enumerate(value["entries"], 1):
        what = f"Record {place} of trace {value['trace']}"
        only(entry, {"seq", "at", "type"}, what)
        if type(entry["seq"]) is not int or entry["seq"] != place:
            bad(f"{what}: record {entry['seq']} stands in its place.")
        if not INSTANT.fullmatch(entry["at"]):
            bad(f"{what}: its time is not a time in UTC.")
        if not KIND.fullmatch(entry["type"]):
            bad(f"{what}: its kind is not a kind of record.")
    count, head = len(value["entries"]), value["head"]
    _hashes([head["hash"]], "head")
    if not count or head["seq"] != count:
        bad(f"Trace {value['trace']}: its head is record {head['seq']}, and it lists {count}.")
    return Outline(value["workspace"]["id"], value["trace"], [""] * (count - 1) + [head["hash"]])


def only(value: Any, names: set[str], what: str) -> None:
    """These parts and no other. Raises Bad."""
    found = set(value) if isinstance(value, dict) else bad(f"{what}: it is not an object.")
    if found - names:
        bad(f"{what}: it holds `{min(found - names)}`, which a redacted bundle never does.")
    if names - found:
        bad(f"{what}: its `{min(names - found)}` is missing.")


# --- The checks -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Proven:
    """What held."""

    records: int
    traces: int
    workspaces: int
    checkpoint: Checkpoint
    key: int
    anchors: int
    outlined: bool = False

    def __str__(self) -> str:
        count = f"{self.records} records of {self.traces} traces in {self.workspaces} workspaces"
        signed = f"{self.checkpoint.name}, {self.checkpoint.time}, signed by key {self.key}"
        held = f"consistent with {self.anchors} held checkpoints" if self.anchors else (
            "no held checkpoint was given, so the signer is taken at its word: use --anchor"
        )  # fmt: skip
        told = " What the records say is not in this file, so it is not proven." if self.outlined else ""
        return f"{count}, under {signed}; {held}.{told}"


Heads = dict[str, dict[str, list[str]]]


def check_entries(entries: Iterable[tuple[str, str, str]]) -> Heads:
    """Hashes of every trace's records in order, by workspace and trace. Raises Bad with the first bad record."""
    heads: Heads = {}
    owner: dict[str, str] = {}
    current = ""
    hashes: list[str] = []
    for workspace, canonical, stored in entries:
        try:
            record = json.loads(canonical)
        except (ValueError, RecursionError):
            record = None
        if not isinstance(record, dict) or set(record) != RECORD or not isinstance(record["trace"], str):
            bad(f"Record {len(hashes) + 1} of trace {current or '?'}: it is not a ledger record.")
        trace, seq = record["trace"], record["seq"]
        what = f"Record {seq} of trace {trace}"
        if trace != current:
            if trace in owner:
                bad(f"{what}: records of this trace stand in two places.")
            current, hashes = trace, []
            owner[trace] = workspace
            heads.setdefault(workspace, {})[trace] = hashes
        if owner[trace] != workspace:
            bad(f"{what}: it stands in another workspace than the records before it.")
        if sha_hex(canonical) != stored:
            bad(f"{what}: it was changed after it was written.")
        # One text, one value: what another reader could take for something else is no record.
        if plain(record) != canonical and spelled(record) != canonical:
            bad(f"{what}: it is not written as ledger records are.")
        if type(seq) is not int or record["v"] != 1 or seq != len(hashes) + 1:
            bad(f"{what}: record {len(hashes) + 1} should stand here.")
        if record["prev"] != (hashes[-1] if hashes else GENESIS):
            bad(f"{what}: it does not follow the record before it.")
        hashes.append(stored)
    return heads


def check_log(tree: Tree, traces: Mapping[str, list[str]], *, whole: bool) -> list[int]:
    """Every leaf is a head that a trace had, and every trace ends where its last leaf says. Raises Bad.

    Gives how many records were registered by the traces in the bundle, at each size of the tree.
    """
    totals = [0]
    named = {sha_hex(trace): trace for trace in traces}
    last = dict.fromkeys(traces, 0)
    for index, (leaf, name) in enumerate(tree.leaves, tree.start):
        found = HEAD.fullmatch(leaf)
        if not found:
            bad(f"Leaf {index} of {tree.origin}: it is not a head of a trace.")
        trace = named.get(found[1])
        if trace is None:
            if whole:
                bad(f"Trace {name or found[1]}: it stands in the tree of {tree.origin} but its records are missing.")
            totals.append(totals[-1])
            continue
        seq = int(found[2])
        if seq <= last[trace]:
            bad(f"Record {seq} of trace {trace}: leaf {index} registers it after record {last[trace]}.")
        if seq > len(traces[trace]):
            bad(f"Record {len(traces[trace]) + 1} of trace {trace}: it is missing; the tree has records up to {seq}.")
        if (traces[trace][seq - 1] or found[3]) != found[3]:
            bad(f"Record {seq} of trace {trace}: it is not the record that was registered.")
        totals.append(totals[-1] + seq - last[trace])
        last[trace] = seq
    for trace, seq in last.items():
        if seq != len(traces[trace]):
            bad(f"Record {seq + 1} of trace {trace}: it is in no tree.")
    return totals


def check_checkpoints(points: Sequence[Checkpoint], tree: Tree, keys: Keys, *, whole: bool) -> int:
    """A dense, chained, signed run of checkpoints over one growing tree. Gives the last one's key. Raises Bad."""
    before, key = None, 0
    for point in points:
        signer = keys.signer(point.note, point.time, point.name)
        if signer < key:
            bad(f"{point.name}: it is signed by an older key than the one before it.")
        if before is None and whole and point.number != 1:
            bad(f"Checkpoint 1 of {point.origin}: it is missing.")
        if before is None and point.number == 1 and point.previous != GENESIS:
            bad(f"{point.name}: the first checkpoint names one before it.")
        if before is not None and point.number != before.number + 1:
            bad(f"Checkpoint {before.number + 1} of {point.origin}: it is missing.")
        if before is not None and (point.previous != before.note.digest or point.time < before.time):
            bad(f"{point.name}: it does not follow the one before it.")
        if before is not None and point.size < before.size:
            bad(f"{point.name}: its tree is shorter than the one before.")
        if point.size >= tree.start and tree.roots.get(point.size) != point.root:
            bad(f"{point.name}: the leaves do not make its root.")
        before, key = point, signer
    if before is None or before.size != tree.size:
        bad(f"Tree of {tree.origin}: it does not end at the last checkpoint.")
    return key


def check_registry(registry: Tree, logs: Mapping[str, Tree], deployment: str) -> None:
    """Every workspace ever registered is here with the roots it had, and no other. Raises Bad."""
    workspaces = {origin.rpartition("/")[2]: tree for origin, tree in logs.items() if tree is not registry}
    named = {sha_hex(workspace): workspace for workspace in workspaces}
    seen = set()
    for index, (leaf, name) in enumerate(registry.leaves, registry.start):
        found = SIZED.fullmatch(leaf)
        if not found or found[1] not in named:
            bad(f"Workspace {name or leaf[:64]}: leaf {index} of the registry names it, but its ledger is missing.")
        workspace = named[found[1]]
        seen.add(workspace)
        if workspaces[workspace].roots.get(int(found[3])) != bytes.fromhex(found[4]):
            bad(f"Workspace {workspace}: its tree of {found[3]} leaves is not the one the registry saw.")
    for workspace in sorted(set(workspaces) - seen):
        bad(f"Workspace {workspace}: it is not in the registry of {deployment}.")


def check_anchor(anchor: Checkpoint, content: Content, registry: Tree | None) -> None:
    """The bundle's log begins with the tree the auditor holds. Raises Bad."""
    what = f"Held checkpoint {anchor.number} of {anchor.origin}"
    content.keys.signer(anchor.note, anchor.time, what)
    tree, last = content.trees[anchor.origin], content.checkpoints[anchor.origin][-1]
    if anchor.number > last.number or anchor.size > tree.size:
        bad(f"{what}: it saw {anchor.size} leaves; this ledger ends at {last.name} with {tree.size}.")
    for point in content.checkpoints[anchor.origin]:
        if point.number == anchor.number and point.note.body != anchor.note.body:
            bad(f"{what}: this ledger has another checkpoint of that number.")
    if not _begins_with(tree, anchor.size, anchor.root):
        bad(f"{what}: this ledger does not begin with the tree it saw.")
    for line in anchor.note.all("registry") if registry is not None else ():
        size, _, root = line.partition(" ")
        if not size.isdecimal() or registry is None or not _begins_with(registry, int(size), _base64(root, what)):
            bad(f"{what}: the registry does not begin with the one it saw.")


def _begins_with(tree: Tree, size: int, root: bytes) -> bool:
    if size >= tree.start:
        return tree.roots.get(size) == root
    if size not in tree.consistency:
        bad(f"Tree of {tree.origin}: it carries no proof from {size} leaves. Export again with --since {size}.")
    growing = Growing(tree.start, tree.frontier)
    return consistency_holds(size, tree.start, tree.consistency[size], root, growing.root())


def check_manifest(content: Content) -> int:
    """The manifest is signed and names exactly what is here. Gives the key's number. Raises Bad."""
    note = content.manifest
    key = content.keys.signer(note, note.one("exported"), "manifest.txt")
    listed = {}
    for line in note.all("file"):
        name, size, digest = line.split(" ")
        listed[name] = (int(size), digest)
    for name in sorted(set(listed) | set(content.digests)):
        if listed.get(name) != content.digests.get(name):
            bad(f"{name}: it is not the file the manifest was signed for.")
    return key


# What people sign, by the type of its record; the records that name the keys it is signed with.
SIGNED = {"approval.verdict_recorded": "verdict", "approval.break_glass": "emergency"}
NAMED = {"approval_key.used", "approval_key.rotated"}
PARTS = {"statement", "key", "signature", "assertion"}


def check_verdicts(entries: Iterable[tuple[str, str, str]], *, whole: bool) -> None:
    """What people signed is what they say; in a whole ledger, by a key its governance chain names. Raises Bad."""
    records = [(w, json.loads(c)) for w, c, _ in entries if '"type":"approval' in c]
    keys = {(w, r["body"]["public"]): r["at"] for w, r in reversed(records) if r["type"] in NAMED}
    for workspace, record in records:
        if record["type"] not in SIGNED:
            continue
        what, signed = f"Record {record['seq']} of trace {record['trace']}", record["body"].get("signed")
        if signed:
            if whole and (workspace, signed["key"]) not in keys:
                bad(f"{what}: its {SIGNED[record['type']]} is signed by a key that the governance chain does not name.")
            check_verdict(workspace, record, what)
        elif whole and any(w == workspace and at < record["at"] for (w, _), at in keys.items()):
            # Releases before the first key signed nothing; since then nothing is recorded unsigned.
            bad(f"{what}: its {SIGNED[record['type']]} is not signed, and this workspace had a key by then.")


def check_verdict(workspace: str, record: Mapping[str, Any], what: str) -> None:
    body, signed, said = record["body"], record["body"]["signed"], record["body"]["signed"]["statement"]
    name = SIGNED[record["type"]]
    if set(signed) != PARTS:
        bad(f"{what}: its signed {name} has a part that does not belong.")
    told = {"workspace": workspace, "approver": record["actor"]["id"], "digest": body["saw"]}
    told |= {part: body[part] for part in ("action", "approval")}
    if name == "emergency":
        told |= {"choice": "break_glass", "step": 0, "reason": body["reason"], "skipped": body["skipped"]}
    else:
        told |= {"choice": body["choice"], "step": body["step"]}
        away = body.get("for") or {}
        told |= {"for": away.get("id"), "delegation": away.get("delegation")}
        told |= {"single_operator": body.get("single_operator")}
        # Where it was given is signed where that was not the console.
        told |= {"via": body.get("via")} if "via" in said else {}
        # A second approver that the verdict asks for is signed since statements of version 2.
        told |= {"second": body["wants_second"]} if said["v"] >= 2 else {}
    if any(said.get(part) != value for part, value in told.items()):
        bad(f"{what}: the signed {name} says something else than the record.")
    try:
        key = Ed25519PublicKey.from_public_bytes(_base64(signed["key"], what))
        key.verify(_base64(signed["signature"], what), plain(said).encode())
        if signed["assertion"] and _asserted(signed["assertion"]) != sha(plain(said).encode()):
            bad(f"{what}: the passkey signed something else.")
    except (InvalidSignature, ValueError):
        bad(f"{what}: its {name}'s signature does not hold.")


def _asserted(found: Mapping[str, str]) -> bytes:
    """The challenge a passkey signed. Raises InvalidSignature, ValueError."""
    raw = [base64.urlsafe_b64decode(found[k] + "==") for k in ("client_data", "authenticator_data", "signature")]
    key: Any = load_der_public_key(base64.b64decode(found["public_key"]))
    rsa = () if isinstance(key, Ed25519PublicKey) else (padding.PKCS1v15(), SHA256())
    how: Any = (ec.ECDSA(SHA256()),) if isinstance(key, ec.EllipticCurvePublicKey) else rsa
    key.verify(raw[2], raw[1] + sha(raw[0]), *how)
    return base64.urlsafe_b64decode(json.loads(raw[0])["challenge"] + "==")


def check_withheld(content: Content, texts: Mapping[tuple[str, int], str]) -> None:
    for row in content.withheld:
        if set(row) != {"commitment", "kind", "salt", "seq", "trace", "value"}:
            bad("withheld.jsonl: a row has a part that does not belong.")
        what = f"Withheld value in record {row['seq']} of trace {row['trace']}"
        if hashlib.sha256(bytes.fromhex(row["salt"]) + row["value"].encode()).hexdigest() != row["commitment"]:
            bad(f"{what}: it is not the value that was committed to.")
        leaf = f'{{"$withheld":{plain(row["kind"])},"commitment":"{row["commitment"]}"}}'
        if leaf not in texts.get((row["trace"], row["seq"]), ""):
            bad(f"{what}: no such value stands there.")


def check(content: Content, anchors: Sequence[Note] = (), pinned: bytes | None = None) -> Proven:
    """Everything. Raises Bad with the first thing that does not hold."""
    told = content.outline
    heads: Heads = {told.workspace: {told.trace: told.hashes}} if told else check_entries(content.entries)
    check_verdicts(content.entries, whole=content.scope[0] != "traces")
    deployment = content.manifest.origin.removesuffix("/bundle")
    first = content.keys.check(deployment, pinned)
    if set(content.trees) != set(content.checkpoints):
        bad(f"Log {min(set(content.trees) ^ set(content.checkpoints))}: it has no tree or no checkpoint here.")
    held = [checkpoint_of(note) for note in anchors]
    for origin, tree in content.trees.items():
        if origin.rpartition("/")[0] != deployment:
            bad(f"Log {origin}: it is of another deployment.")
        points = [*content.checkpoints[origin], *(anchor for anchor in held if anchor.origin == origin)]
        tree.grow({point.size for point in points} | _named_sizes(content, origin, held))
    registry, whole = _check_scope(content, heads, deployment), content.scope[0] != "traces"
    for origin, tree in content.trees.items():
        workspace = origin.rpartition("/")[2]
        if tree is not registry:
            totals = check_log(tree, heads.get(workspace, {}), whole=whole)
            for point in content.checkpoints[origin] if whole else ():
                if point.note.one("entries") != str(totals[point.size] if point.size < len(totals) else ""):
                    bad(f"{point.name}: it counts other records than its tree.")
    key = 0
    for origin, points in content.checkpoints.items():
        key = check_checkpoints(points, content.trees[origin], content.keys, whole=whole)
    if registry is not None:
        check_registry(registry, content.trees, deployment)
    used = _check_anchors(held, content, registry, deployment)
    texts = {(r["trace"], r["seq"]): c for r, c in ((json.loads(c), c) for _, c, _ in content.entries)}
    check_withheld(content, texts if content.withheld else {})
    if check_manifest(content) < first:
        bad("manifest.txt: it is signed by an older key than the one you hold, and nothing endorses that one.")
    last = max((points[-1] for points in content.checkpoints.values()), key=lambda point: point.time)
    records = sum(len(hashes) for traces in heads.values() for hashes in traces.values())
    return Proven(records, sum(map(len, heads.values())), len(heads), last, key, used, told is not None)


def _named_sizes(content: Content, origin: str, held: Sequence[Checkpoint]) -> set[int]:
    """Sizes of this log's tree that other signed texts name: registry leaves, and anchors' registry lines."""
    name = origin.rpartition("/")[2]
    if name == "registry":
        lines = [line.split(" ")[0] for point in held for line in point.note.all("registry")]
        return {int(size) for size in lines if size.isdecimal()}
    leaves = (leaf for tree in content.trees.values() if tree.origin.endswith("/registry") for leaf, _ in tree.leaves)
    tag = sha_hex(name)
    return {int(found[3]) for found in map(SIZED.fullmatch, leaves) if found and found[1] == tag}


def _check_scope(content: Content, heads: Heads, deployment: str) -> Tree | None:
    """The bundle holds what its signed scope says it holds. Gives the registry of a whole deployment. Raises Bad."""
    kind, registry = content.scope[0], content.trees.get(f"{deployment}/registry")
    logs = {origin.rpartition("/")[2] for origin in content.trees} - {"registry"}
    for workspace in sorted(set(heads) - logs):
        bad(f"Workspace {workspace}: its records have no tree.")
    if kind == "deployment":
        return registry or bad(f"Registry of {deployment}: it is missing.")
    if kind not in {"workspace", "traces"} or len(content.scope) != 2 or logs != {content.scope[1]} or registry:
        bad("manifest.txt: its scope is not what the bundle holds.")
    if kind == "traces":
        present = set(heads.get(content.scope[1], {}))
        for trace in sorted(present ^ set(content.manifest.all("trace"))):
            bad(f"Trace {trace}: it is not one this bundle was signed for, or its records are missing.")
    elif content.trees[f"{deployment}/{content.scope[1]}"].start:
        bad("manifest.txt: a whole workspace begins at its first leaf.")
    return None


def _check_anchors(held: Sequence[Checkpoint], content: Content, registry: Tree | None, deployment: str) -> int:
    used = 0
    for anchor in held:
        if anchor.origin in content.trees:
            check_anchor(anchor, content, registry)
            used += 1
        elif registry is not None or not anchor.origin.startswith(f"{deployment}/"):
            bad(f"Held checkpoint {anchor.number} of {anchor.origin}: that log is not in this bundle.")
    if held and not used:
        bad(f"Held checkpoint {held[0].number} of {held[0].origin}: it says nothing of this bundle.")
    return used


# --- Command line -----------------------------------------------------------------------------------------------------
def load(path: Path) -> Content:
    """A bundle from a folder, a .zip or a .json file. Raises Bad, OSError."""
    if path.is_dir():
        return read_parts({found.name: found.read_bytes() for found in path.iterdir()})
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if len(set(names)) != len(names):
                bad("The archive has a file twice.")
            return read_parts({name: archive.read(name) for name in names})
    return read_json(path.read_bytes())


def read_anchors(paths: Sequence[Path]) -> list[Note]:
    """Every held checkpoint in the given files and folders. Raises Bad, OSError."""
    found: list[Note] = []
    for path in paths:
        files = sorted(p for p in path.rglob("*") if p.is_file() and ".git" not in p.parts) if path.is_dir() else [path]
        for file in files:
            text = file.read_text(encoding="utf-8")
            found += read_notes(_checkpoints_in(text, file.name) if file.suffix == ".json" else text, file.name)
        if not files:
            bad(f"{path}: it holds no checkpoint.")
    return found


def _checkpoints_in(text: str, what: str) -> str:
    """An export of one trace carries the checkpoints it was made under."""
    value = json.loads(text, object_pairs_hook=_once)
    proof = value.get("proof") if isinstance(value, dict) else None
    return str(proof["checkpoint"]) if isinstance(proof, dict) else bad(f"{what}: it carries no checkpoint to hold.")


def judge(work: Callable[[], Proven]) -> tuple[bool, str]:
    """Whether it held, and the sentence. INVARIANT: what cannot be read does not hold. Held by tests/verify."""
    try:
        return True, str(work())
    except Bad as problem:
        return False, str(problem)
    except Exception as problem:
        return False, f"The bundle cannot be read: {type(problem).__name__}: {str(problem)[:200]}"


def verify(path: Path, anchors: Sequence[Path] = (), pinned: str | None = None) -> tuple[bool, str]:
    """Check one bundle against held checkpoints, and a key that is held."""
    return judge(
        lambda: check(load(path), read_anchors(anchors), None if pinned is None else public_key(pinned.strip()))
    )


def _asked(paths: Sequence[str], *, batch: bool) -> Iterator[Path]:
    for text in paths:
        if batch and text == "-":
            yield from (Path(line.rstrip("\n")) for line in sys.stdin)
        elif batch and (Path(text) / "manifest.txt").exists() is False and Path(text).is_dir():
            yield from sorted(Path(text).iterdir())
        else:
            yield Path(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when every bundle holds, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="remit_verify", description="Check an exported Remit ledger offline.")
    parser.add_argument("bundle", nargs="+", help="a folder, a .zip or the .json of one trace")
    parser.add_argument(
        "--anchor",
        action="append",
        default=[],
        type=Path,
        help="a checkpoint you hold (a file, a folder, or the .json of a trace)",
    )
    parser.add_argument("--key", help="the public key you hold, base64 or as a C2SP verifier key")
    parser.add_argument("--batch", action="store_true", help="bundles are folders of bundles, or - for paths on stdin")
    parser.add_argument("--json", action="store_true", dest="as_json", help="one JSON object a bundle")
    asked = parser.parse_args(arguments)
    held = []
    for path in _asked(asked.bundle, batch=asked.batch):
        ok, sentence = verify(path, asked.anchor, asked.key)
        held.append(ok)
        named = f" {path}:" if asked.batch else ""
        line = f"{'OK' if ok else 'FAIL'}{named} {sentence}"
        if asked.as_json:
            line = json.dumps({"bundle": str(path), "ok": ok, "detail": sentence})
        sys.stdout.write("".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in line) + "\n")
    if not held:
        sys.stdout.write("FAIL There is no bundle there, so nothing holds.\n")
    return 0 if held and all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
