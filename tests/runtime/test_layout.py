"""What is said of a running Remit is read by other processes at any moment."""

import json
import stat
import threading

from console.runtime.layout import prepare, tell_run


def test_whoever_reads_what_runs_finds_all_of_it_or_nothing(tmp_path):
    layout, end, found = prepare(tmp_path), threading.Event(), []
    run = {"url": "http://127.0.0.1:8000", "sign_ins": ["x" * 1000] * 50}

    def read() -> None:
        while not end.is_set():
            if layout.run_file.exists():
                found.append(json.loads(layout.run_file.read_text()) == run)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(300):
        tell_run(layout, run)
    end.set()
    reader.join()
    assert found and all(found)
    assert stat.S_IMODE(layout.run_file.stat().st_mode) == 0o600
