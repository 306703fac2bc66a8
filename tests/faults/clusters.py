"""A PostgreSQL of the tests' own, with a standby that lags: restarted, crashed and promoted as an operator or a fault would."""

import contextlib
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from django.db import connection, connections

from console.runtime.postgres import UNPRIVILEGED, _as_server, _binaries
from tests.desk.running import free_port

STARTS_S = 30


class Cluster:
    """One server on a port of its own, with settings of its own."""

    def __init__(self, folder: Path, *, log: Path | None = None, **settings: str) -> None:
        self.folder, self.port, self.settings = folder, free_port(), settings
        self.log = log or folder.with_suffix(".log")
        self.process: subprocess.Popen | None = None
        folder.mkdir()
        if os.geteuid() == 0:
            os.chown(folder, UNPRIVILEGED, UNPRIVILEGED)
        folder.chmod(0o700)

    def make(self, *options: str) -> "Cluster":
        plain = ["-U", "postgres", "--encoding=UTF8", "--locale=C", "--auth=trust"]
        self._tool("initdb", "-D", str(self.folder), *plain, *options)
        return self.start()

    def start(self) -> "Cluster":
        settings = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_wal_senders": 4,
                    "log_min_messages": "panic", "shared_buffers": "16MB", **self.settings}  # fmt: skip
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = _as_server([str(_binaries() / "postgres"), "-D", str(self.folder), *options])
        self.process = subprocess.Popen(command, stdout=self.log.open("ab"), stderr=subprocess.STDOUT, cwd="/")
        self._until("SELECT 1", "1")
        return self

    def crash(self) -> None:
        """As a power cut: nothing is written any more."""
        if self.process is not None:
            self._tool("pg_ctl", "-D", str(self.folder), "-m", "immediate", "-w", "stop")
            self.process.wait(10)
            self.process = None

    def comes_back(self) -> None:
        """As whoever runs it would see to: it answers, started again where it gave up."""
        connections.close_all()
        until = time.monotonic() + STARTS_S
        while self.sql("SELECT 1") != "1":
            assert self.process is not None and time.monotonic() < until, "The server did not come back."
            if self.process.poll() is not None:
                self.start()
            time.sleep(0.1)

    def follower(self, folder: Path) -> "Cluster":
        """A standby that follows and is not waited for."""
        made = Cluster(folder)
        where = f"host=127.0.0.1 port={self.port} user=postgres"
        self._tool("pg_basebackup", "-D", str(folder), "-d", where, "-R", "-X", "stream", "-c", "fast")
        return made.start()

    def falls_behind(self) -> None:
        """From now on it gets nothing more: its link is down."""
        self.sql("ALTER SYSTEM SET primary_conninfo = ''")
        self.sql("SELECT pg_reload_conf()")
        self._until("SELECT count(*) FROM pg_stat_wal_receiver", "0")

    def has_all_of(self, other: "Cluster") -> None:
        """Wait until it has replayed what the other has written."""
        at = other.sql("SELECT pg_current_wal_lsn()")
        self._until(f"SELECT pg_last_wal_replay_lsn() >= '{at}'", "t")

    def promote(self) -> None:
        self.sql("SELECT pg_promote()")
        self._until("SELECT pg_is_in_recovery()", "f")

    def sql(self, text: str, database: str = "postgres") -> str:
        command = [str(_binaries() / "psql"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", database]
        done = subprocess.run([*command, "-tAc", text], capture_output=True, text=True, timeout=30, check=False)
        return done.stdout.strip()

    def _until(self, text: str, wanted: str) -> None:
        until = time.monotonic() + STARTS_S
        while self.sql(text) != wanted:
            assert time.monotonic() < until, f"{text} was never {wanted}."
            time.sleep(0.05)

    def _tool(self, name: str, *arguments: str) -> None:
        command = _as_server([str(_binaries() / name), *arguments])
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd="/")
        assert done.returncode == 0, done.stderr


def copy_here(cluster: Cluster) -> None:
    """What the tests' database holds now, in a database of the same name there."""
    given = connection.settings_dict
    connections.close_all()
    where = ["-h", given["HOST"] or "127.0.0.1", "-p", str(given["PORT"] or 5432), "-U", given["USER"] or "postgres"]
    there = ["-h", "127.0.0.1", "-p", str(cluster.port), "-U", "postgres"]
    cluster.sql(f'CREATE DATABASE "{given["NAME"]}"')
    dump = subprocess.run(
        [str(_binaries() / "pg_dump"), *where, "--no-owner", "--no-privileges", given["NAME"]], capture_output=True,
        text=True, timeout=120, check=True, env={**os.environ, "PGPASSWORD": given["PASSWORD"]},
    )  # fmt: skip
    # Options some servers keep for themselves on columns are unknown to others, and nothing of ours.
    text = re.sub(r"^ALTER TABLE ONLY \S+ ALTER COLUMN \S+ SET \(.*\);$", "", dump.stdout, flags=re.MULTILINE)
    load = [str(_binaries() / "psql"), *there, "-q", "-v", "ON_ERROR_STOP=1", "-d", given["NAME"]]
    done = subprocess.run(load, input=text, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


@contextlib.contextmanager
def at(cluster: Cluster):
    """This process, and those it forks, work on that cluster."""
    before = {name: connection.settings_dict[name] for name in ("HOST", "PORT")}
    connections.close_all()
    connection.settings_dict |= {"HOST": "127.0.0.1", "PORT": str(cluster.port)}
    try:
        yield
    finally:
        connections.close_all()
        connection.settings_dict |= before


def remove(*clusters: Cluster) -> None:
    for cluster in clusters:
        if cluster.process is not None:
            cluster.process.kill()
            cluster.process.wait()
        shutil.rmtree(cluster.folder, ignore_errors=True)
