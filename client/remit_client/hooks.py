"""Hooks for coding agents with tools of their own (Claude Code, Copilot CLI, Gemini CLI): `remit-hook claude-code`.

They ask what policy would decide and let only `allow` through; whatever goes wrong refuses, by exit code 2, also an answer that
does not end in time. A hook is advice: it runs in the agent's own process. The boundary holds because only Remit has the
credentials.

Read from the environment: REMIT_URL, REMIT_AGENT_TOKEN, REMIT_ON_BEHALF_OF (whose session it is) and REMIT_HOOK_TOOLS, a JSON
file `{"Bash": {"tool": "shell.command.run", "arguments": ["command"], "ignore": ["description"]}}`. A tool that is not in it is
refused, and so is a call with an argument that is neither sent nor ignored.
"""

import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from remit_client.client import Remit, Trace

# Of one request; and of all together, shorter than the thirty seconds that the three are told to wait for a hook: what times out
# there is let through by some of them, and a server that sends a byte now and then never times out here.
TIMEOUT_S, ALL_S = 10, 20
REFUSE = 2
# Remit's own tools as Claude Code names them; judging them here too would ask twice.
OWN = "mcp__remit__"
NEEDS_A_PERSON = "A person has to approve this, and a hook cannot wait. Ask for it through Remit's own tools."


@dataclass(frozen=True, slots=True)
class Verdict:
    """What policy would decide, for a caller that can only let through or refuse."""

    allowed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Judge:
    """Asks Remit about the tools of a coding agent. `mapping`: its tool name -> `{tool, arguments, ignore}`."""

    trace: Trace
    mapping: Mapping[str, Mapping[str, Any]]

    def judge(self, name: str, arguments: Mapping[str, Any]) -> Verdict:
        """Raises RemitError and httpx.HTTPError: no answer is no permission."""
        known = self.mapping.get(name)
        if known is None:
            return Verdict(False, f"{name} is not a tool that Remit was told of. Add it to REMIT_HOOK_TOOLS.")
        unknown = sorted(set(arguments) - {*known["arguments"], *known.get("ignore", ())})
        if unknown:
            return Verdict(False, f"Remit was not told of {', '.join(unknown)} of {name}. Add it to REMIT_HOOK_TOOLS.")
        kept = {key: arguments[key] for key in known["arguments"] if key in arguments}
        answer = self.trace.evaluate(known["tool"], kept)
        decision = answer["decision"]
        if decision["effect"] == "allow" and not answer["refused_fields"]:
            return Verdict(True, str(decision["reason"]))
        asks = decision["effect"] in ("approval", "draft")
        return Verdict(False, f"{decision['reason']} {NEEDS_A_PERSON if asks else 'Do not retry it.'}")


@dataclass(frozen=True, slots=True)
class Stack:
    """How one coding agent asks and is answered."""

    asked: Callable[[Mapping[str, Any]], tuple[str, Mapping[str, Any]]]
    session: str
    answer: Callable[[Verdict], Mapping[str, Any]]


def _permission(verdict: Verdict) -> dict[str, str]:
    return {
        "permissionDecision": "allow" if verdict.allowed else "deny",
        "permissionDecisionReason": verdict.reason,
    }


def _copilot(event: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    given = event["toolArgs"]
    return event["toolName"], json.loads(given) if isinstance(given, str) else given


STACKS = {
    "claude-code": Stack(
        lambda event: (event["tool_name"], event["tool_input"]),
        "session_id",
        lambda verdict: {"hookSpecificOutput": {"hookEventName": "PreToolUse", **_permission(verdict)}},
    ),
    "copilot-cli": Stack(_copilot, "sessionId", _permission),
    "gemini-cli": Stack(
        lambda event: (event["tool_name"], event["tool_input"]),
        "session_id",
        lambda verdict: {"decision": "allow" if verdict.allowed else "deny", "reason": verdict.reason},
    ),
}


def answer(stack: Stack, event: Mapping[str, Any], env: Mapping[str, str]) -> tuple[Verdict, Mapping[str, Any]]:
    """Judge one event. Raises on anything that is missing or unreachable."""
    name, arguments = stack.asked(event)
    if name.startswith(OWN):
        verdict = Verdict(True, "Remit judges this where it is executed.")
        return verdict, stack.answer(verdict)
    mapping = json.loads(Path(env["REMIT_HOOK_TOOLS"]).read_text(encoding="utf-8"))
    session = str(event.get(stack.session) or event.get("cwd") or "session")
    with Remit(env["REMIT_URL"], token=env["REMIT_AGENT_TOKEN"], timeout_s=TIMEOUT_S) as remit:
        trace = remit.open_trace(
            intent=f"Coding session {session[:100]}", on_behalf_of=env["REMIT_ON_BEHALF_OF"],
            idempotency_key=f"hook-{session[:100]}",
        )  # fmt: skip
        verdict = Judge(trace, mapping).judge(name, arguments)
    return verdict, stack.answer(verdict)


def _refuse(given: list[str], reason: str) -> int:
    """Say no in the words of whoever asks, where that is known, and on standard error: some read the one, some the other."""
    stack = STACKS.get(given[0]) if given else None
    if stack is not None:
        sys.stdout.write(json.dumps(stack.answer(Verdict(False, reason))) + "\n")
    sys.stderr.write(f"{reason}\n")
    return REFUSE


def _give_up(given: list[str]) -> None:
    """Ends the process from beside whatever it hangs in."""
    code = _refuse(given, f"Remit did not answer within {ALL_S} seconds, so this is refused.")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main(arguments: list[str] | None = None) -> int:
    """`remit-hook STACK`, the event on standard input. 0 with an answer when allowed; 2 with the reason otherwise."""
    given = sys.argv[1:] if arguments is None else arguments
    watch = threading.Timer(ALL_S, _give_up, [given])
    watch.daemon = True
    watch.start()
    try:
        stack = STACKS[given[0]]
        verdict, told = answer(stack, json.loads(sys.stdin.read()), os.environ)
    except Exception as error:
        # Fail closed whatever it is: an unhandled traceback exits with 1, which Claude Code and Gemini CLI let through.
        return _refuse(given, f"Remit could not be asked, so this is refused: {type(error).__name__}: {error}")
    finally:
        watch.cancel()
    sys.stdout.write(json.dumps(told) + "\n")
    if not verdict.allowed:
        sys.stderr.write(f"{verdict.reason}\n")
    return 0 if verdict.allowed else REFUSE


if __name__ == "__main__":
    raise SystemExit(main())
