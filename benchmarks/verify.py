"""How long a stranger needs to check a ledger: `python -m benchmarks.verify [--entries 100000] [--json]`.

Seeds a workspace in the database of DATABASE_URL (migrated already), checkpoints and exports it through the product's own
functions, rolls everything back, and times `verify/remit_verify.py` as a process of its own on the bundle that is left.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
django.setup()

from django.conf import settings  # noqa: E402 - Django is set up first
from django.db import transaction  # noqa: E402

from accounts.clock import database_now  # noqa: E402
from accounts.ids import new_id  # noqa: E402
from accounts.models import Workspace  # noqa: E402
from traces.bundles.write import write_workspace  # noqa: E402
from traces.canonical import canonical_text, instant, sha256_hex  # noqa: E402
from traces.checkpoints.take import checkpoint_workspace  # noqa: E402
from traces.models import GENESIS, Entry, Trace  # noqa: E402

TARGET_S = 30.0
EACH = 40
VERIFIER = Path(__file__).resolve().parent.parent / "verify" / "remit_verify.py"
BODY = {"action": new_id("act"), "to": "succeeded", "detail": "Read back and equal.", "status": 200, "changes": [
    {"field": "refund_status", "kind": "changed", "old": "none", "new": "refunded", "verified": True},
    {"field": "card", "kind": "added", "old": None, "new": {"$withheld": "card number", "commitment": "c" * 64}},
]}  # fmt: skip


def seed(workspace: Workspace, count: int) -> None:
    """Chains of EACH records, hashed as the ledger hashes."""
    now = database_now()
    for _ in range(0, count, EACH):
        trace, prev, entries = Trace(workspace=workspace, title="Bench", created_at=now, updated_at=now), GENESIS, []
        for seq in range(1, EACH + 1):
            record = {"v": 1, "trace": trace.pk, "seq": seq, "at": instant(now), "type": "action.succeeded", "prev": prev,
                      "actor": {"kind": "system", "id": "system:worker", "name": "Remit worker"}, "body": BODY}  # fmt: skip
            text = canonical_text(record)
            prev = sha256_hex(text.encode())
            entries.append(Entry(trace=trace, seq=seq, at=now, type="action.succeeded", canonical=text, hash=prev))
        trace.head_seq, trace.head_hash = EACH, prev
        trace.save(force_insert=True)
        Entry.objects.bulk_create(entries)


def exported(folder: Path, count: int) -> dict[str, float]:
    """The bundle, and how long its making took; the database is left as it was."""
    timed: dict[str, float] = {}
    with transaction.atomic():
        workspace = Workspace.objects.create(
            slug=f"bench-{new_id('ben')[-8:].lower()}", name="Bench", environment="sandbox"
        )
        seed(workspace, count)
        start = time.perf_counter()
        checkpoint_workspace(workspace.pk)
        timed["checkpoint_s"] = time.perf_counter() - start
        start = time.perf_counter()
        checkpoint_workspace(workspace.pk)
        timed["idle_checkpoint_s"] = time.perf_counter() - start
        start = time.perf_counter()
        write_workspace(folder, workspace.pk)
        timed["export_s"] = time.perf_counter() - start
        transaction.set_rollback(True)
    return timed


def measure(count: int) -> dict[str, Any]:
    """Everything, in seconds. Raises RuntimeError when the bundle does not hold."""
    settings.REMIT_WITNESS = []
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "bundle"
        timed = exported(folder, count)
        size = sum(file.stat().st_size for file in folder.iterdir())
        start = time.perf_counter()
        done = subprocess.run(  # noqa: S603 - our own file
            [sys.executable, "-I", str(VERIFIER), str(folder)], capture_output=True, text=True, check=False
        )
        timed["verify_s"] = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(done.stdout)
    return {"entries": count, "bundle_mb": round(size / 1e6, 1), **{k: round(v, 2) for k, v in timed.items()}}


def main() -> int:
    """Exit code 1 over the target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--json", action="store_true", dest="as_json")
    asked = parser.parse_args()
    found = measure(asked.entries)
    sys.stdout.write((json.dumps(found) if asked.as_json else "\n".join(f"{k}: {v}" for k, v in found.items())) + "\n")
    return 0 if found["verify_s"] <= TARGET_S else 1


if __name__ == "__main__":
    sys.exit(main())
