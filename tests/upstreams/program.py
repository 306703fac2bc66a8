"""A small MCP server as a program: `python program.py MODE`. It tells what it was started with, or misbehaves as MODE says."""

import json
import os
import resource
import subprocess
import sys
import time

ASKED = ("RLIMIT_CORE", "RLIMIT_CPU", "RLIMIT_DATA", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_NPROC")
MODE = sys.argv[1] if len(sys.argv) > 1 else ""
TOOLS = [{"name": "who", "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}}}]


def say(value: object) -> None:
    sys.stdout.write((value if isinstance(value, str) else json.dumps(value)) + "\n")
    sys.stdout.flush()


def answer(ident: object, result: object) -> None:
    say({"jsonrpc": "2.0", "id": ident, "result": result})


def told() -> dict:
    return {
        "env": dict(os.environ), "cwd": os.getcwd(), "argv": sys.argv, "pid": os.getpid(), "sid": os.getsid(0),
        "uids": os.getresuid(), "groups": os.getgroups(), "files": len(os.listdir("/proc/self/fd")) - 1,
        "limits": {name: resource.getrlimit(getattr(resource, name)) for name in ASKED},
        "no_new_privs": "NoNewPrivs:\t1" in open("/proc/self/status").read(), "umask": os.umask(0o077),
    }  # fmt: skip


def main() -> None:
    calls = 0
    if MODE == "child":
        subprocess.Popen([sys.executable, "-c", f"import time; time.sleep(60)  # {sys.argv[2]}"])
    for line in sys.stdin:
        message = json.loads(line)
        method, ident = message["method"], message.get("id")
        if MODE == "silent" or (MODE == "hang" and method == "tools/call"):
            time.sleep(30)
        if MODE == "flood" and method == "tools/list":
            say("x" * 5_000_000)
        if MODE == "chatter" and method == "tools/list":
            say("Listing tools now")
        if MODE == "leave" and method == "tools/call":
            sys.exit(0)
        if method == "initialize":
            answer(
                ident,
                {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "p", "version": "1"}},
            )
        elif method == "tools/list":
            say({"jsonrpc": "2.0", "id": "s1", "method": "ping"})
            say({"jsonrpc": "2.0", "id": "s2", "method": "roots/list"})
            pong, refused = json.loads(sys.stdin.readline()), json.loads(sys.stdin.readline())
            assert pong["result"] == {} and refused["error"]["code"] == -32601
            calls += 1
            changed = [{**TOOLS[0], "description": f"{os.getpid()}"}] if MODE == "shifting" else TOOLS
            answer(ident, {"tools": changed})
        elif method == "tools/call":
            answer(ident, {"content": [{"type": "text", "text": json.dumps(told())}]})


if __name__ == "__main__":
    main()
