"""Puts the sample desk's records back to their start, then runs the sample agent against the Remit of `make run`."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Exit code of the agent; 2 with one sentence when nothing runs."""
    run_file = ROOT / os.environ.get("REMIT_DATA_DIR", ".remit") / "run.json"
    if not run_file.exists():
        sys.stderr.write("Remit is not running here. Start it with `make run` in another terminal.\n")
        return 2
    run = json.loads(run_file.read_text())
    env = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'client'}"}
    env |= {"REMIT_URL": run["url"], "REMIT_AGENT_TOKEN": run["agent_token"]}
    env |= {"DESK_CLIENT_ID": "-", "DESK_CLIENT_SECRET": "-", "DESK_DATA": str(run_file.parent / "desk")}
    # The story starts from the same records each time; the desk itself goes on running.
    subprocess.check_call([sys.executable, "-m", "sample.desk", "--reset"], env=env, cwd=ROOT)
    return subprocess.call([sys.executable, "-m", "sample.agent", *sys.argv[1:]], env=env, cwd=ROOT)  # noqa: S603


if __name__ == "__main__":
    raise SystemExit(main())
