"""Witnesses hold checkpoints outside the database: what they hold is never contradicted (R-40, R-32)."""

import contextlib
import resource
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.traces.ledgers import attacker, grow, grown, judged
from traces.bundles.write import write_deployment
from traces.checkpoints.clock import tell_witnesses, tick
from traces.checkpoints.errors import LedgerBroken
from traces.checkpoints.health import behind
from traces.checkpoints.registry import latest, log_of
from traces.checkpoints.take import checkpoint_workspace
from traces.checkpoints.witness import WitnessFailed, witnesses
from traces.models import Delivery


@pytest.mark.parametrize("kind", ["file", "git"])
def test_witness_folder_is_an_anchor_for_the_whole_deployment(cast, settings, tmp_path, kind):
    settings.REMIT_WITNESS = [f"{kind}:{tmp_path}/w"]
    grown(cast)
    assert tick(force=True).told == 3 and tick(force=True).told == 3 and tell_witnesses() == 0
    grown(cast)
    ok, sentence = judged(write_deployment(tmp_path / "b").path, tmp_path / "w")
    assert ok and "consistent with 9 held checkpoints" in sentence, sentence
    if kind == "git":
        log = subprocess.run(["git", "-C", f"{tmp_path}/w", "log", "--oneline"], capture_output=True, text=True).stdout
        assert len(log.splitlines()) == 6


def test_r40_database_behind_its_witness_signs_nothing(cast, settings, tmp_path):
    """A restored backup, or the last checkpoints cut together with everything they covered."""
    settings.REMIT_WITNESS = [f"file:{tmp_path}"]
    grown(cast)
    tick(force=True)
    tick(force=True)
    with attacker() as cursor:
        cursor.execute("DELETE FROM traces_checkpoint WHERE number = 2")
    with pytest.raises(LedgerBroken, match=r"holds checkpoint 2 of .* ends at 1: it was restored or cut"):
        checkpoint_workspace(cast.northwind.pk)
    assert tick(force=True).signed == 0


def test_r40_witness_that_holds_another_checkpoint_stops_the_clock(cast, settings, tmp_path):
    settings.REMIT_WITNESS = [f"file:{tmp_path}"]
    tick(force=True)
    origin = log_of(cast.northwind.pk).origin
    file = tmp_path.joinpath(*origin.split("/")) / "latest.txt"
    file.write_text(latest(log_of(cast.lakeside.pk)).note)
    with pytest.raises(LedgerBroken, match="another checkpoint 1"):
        checkpoint_workspace(cast.northwind.pk)
    file.write_text("nothing")
    with pytest.raises(LedgerBroken, match="not a checkpoint any more"):
        checkpoint_workspace(cast.northwind.pk)


@pytest.fixture
def hook():
    """A loopback receiver that keeps what it was told; `status` may be changed."""
    told = []

    class Receiver(BaseHTTPRequestHandler):
        status = 204

        def do_POST(self):
            told.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(Receiver.status)
            self.end_headers()

        def log_message(self, *_):
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/w", told, Receiver
    server.shutdown()
    thread.join()
    server.server_close()


def test_webhook_is_told_every_checkpoint_once_and_again_after_a_failure(cast, settings, hook):
    url, told, receiver = hook
    settings.REMIT_WITNESS, settings.REMIT_WITNESS_ALLOW_PRIVATE = [url], True
    receiver.status = 500
    assert tick(force=True).told == 0 and "answered 500" in behind()[0]
    receiver.status, told[:] = 204, []
    assert tell_witnesses() == 0, "one that failed is left alone for a while"
    Delivery.objects.update(at=None)
    assert tell_witnesses() == 3 and behind() == [] and tell_witnesses() == 0
    assert latest(log_of(cast.northwind.pk)).note in told and len(told) == 3


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "https://localhost:9/", "https://10.0.0.1/", "http://1.1.1.1/"])
def test_r32_webhook_never_reaches_a_private_or_plain_address(cast, settings, url):
    settings.REMIT_WITNESS = [url]
    with pytest.raises(WitnessFailed, match=r"asked by http|not a public address"):
        witnesses()[0].tell("x", ["y"])


def test_witness_that_cannot_be_written_is_said_and_does_not_stop_the_clock(cast, settings, tmp_path):
    (tmp_path / "repository").mkdir()
    (tmp_path / "repository" / ".git").write_text("nonsense")  # Not a repository: git refuses it.
    settings.REMIT_WITNESS = [f"git:{tmp_path}/repository"]
    ticked = tick(force=True)
    assert (ticked.signed, ticked.told) == (3, 0) and "git:" in behind()[0]


def test_witness_that_cannot_be_asked_stops_the_clock(cast, settings, tmp_path):
    """What it holds may be newer than this database."""
    (tmp_path / "remit").write_text("in the way")
    settings.REMIT_WITNESS = [f"file:{tmp_path}"]
    assert tick(force=True).failed == 3


@contextlib.contextmanager
def room_for(size: int):
    """No file may grow beyond so many bytes: what a disk that is full does to the next write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("more", [0, 1, 100, 300])
def test_f12_a_full_disk_leaves_no_half_note_in_an_anchor(cast, settings, tmp_path, more):
    settings.REMIT_WITNESS = [f"file:{tmp_path}/w"]
    trace = grown(cast)
    tick(force=True)
    grow(cast, trace, 3, start=5)
    point, (witness,) = checkpoint_workspace(cast.northwind.pk), witnesses()
    home = tmp_path / "w" / point.log.origin
    day = next(file for file in home.iterdir() if file.name != "latest.txt")
    before = {file.name: file.read_bytes() for file in home.iterdir()}
    with room_for(day.stat().st_size + more), pytest.raises(WitnessFailed, match="cannot be written"):
        witness.tell(point.log.origin, [point.note])
    assert {file.name: file.read_bytes() for file in home.iterdir()} == before
    assert judged(write_deployment(tmp_path / "full").path, tmp_path / "w")[0]
    tick(force=True)
    assert judged(write_deployment(tmp_path / "room").path, tmp_path / "w")[0]


def test_unknown_witness_is_refused_with_the_forms_that_are_known(settings):
    settings.REMIT_WITNESS = ["ftp://x"]
    with pytest.raises(ValueError, match="file:/path, git:/path or https"):
        witnesses()
