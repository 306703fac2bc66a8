"""`python -m sample.desk --port 8010 --data DIR`: serves the desk on 127.0.0.1."""

import argparse
import os
from pathlib import Path

import uvicorn

from sample.desk.app import build
from sample.desk.faults import BreakableProtocol
from sample.desk.store import Store
from sample.desk.tokens import Client


def main() -> None:
    """Read the options and serve until stopped."""
    env = os.environ
    parser = argparse.ArgumentParser(prog="python -m sample.desk", description="The sample support desk.")
    parser.add_argument("--port", type=int, default=int(env.get("DESK_PORT", "8010")))
    parser.add_argument("--data", type=Path, default=Path(env.get("DESK_DATA", ".remit/desk")))
    parser.add_argument("--faults", action="store_true", help="let tests spoil answers at POST /faults")
    parser.add_argument("--reset", action="store_true", help="write the sample records again and end")
    options = parser.parse_args()
    client = Client(env.get("DESK_CLIENT_ID", ""), env.get("DESK_CLIENT_SECRET", ""))
    if not client.id or not client.secret:
        parser.error("DESK_CLIENT_ID and DESK_CLIENT_SECRET must be set.")
    store = Store(options.data)
    if options.reset:
        store.seed()
        return
    app = build(store, client, faults=options.faults)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=options.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        http=BreakableProtocol if options.faults else "h11",
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    main()
