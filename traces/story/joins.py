"""What was asked here and joined an action there was already: its lines, and words for a trace that did nothing else. Pure."""

from collections.abc import Mapping
from typing import Any

from traces.sentences import FAILED, IN_DOUBT, OPEN, SUCCESS, joined_title
from traces.story.facts import TraceFacts
from traces.story.steps import stands


def rows(facts: TraceFacts) -> list[dict[str, Any]]:
    """One line a join, in time order. `trace` is "" for an action of this very trace."""
    return [_row(facts, join) for join in facts.joins]


def _row(facts: TraceFacts, join: Mapping[str, Any]) -> dict[str, Any]:
    status, text = stands(join["state"])
    return {
        "at": join["at"],
        "tool": join["tool"]["name"],
        "status": status,
        "status_text": text,
        "text": f"Asked again; joined {_where(facts, join)}",
        "trace": "" if join["joined"]["action"] in facts.actions else join["joined"]["trace"],
    }


def _where(facts: TraceFacts, join: Mapping[str, Any]) -> str:
    step = f"step {join['joined']['step']}"
    return step if join["joined"]["action"] in facts.actions else f"{step} of another trace"


def timeline(facts: TraceFacts) -> list[dict[str, Any]]:
    """The same for the rail."""
    return [
        {
            "state": _mark(str(join["state"])), "text_strong": "Asked again",
            "text": f"joined {_where(facts, join)}, {_how(join)}", "quote": "", "at": join["at"], "after_s": None,
        }
        for join in facts.joins
    ]  # fmt: skip


def _mark(state: str) -> str:
    return "done" if state in SUCCESS else "open" if state in OPEN else "bad"


def _how(join: Mapping[str, Any]) -> str:
    """How it stood when it was asked for, as part of a sentence: the page of the other trace says how it stands."""
    state = str(join["state"])
    if state == "pending":
        return "which waited for people then"
    if state in OPEN:
        return "which was under way then"
    if state in IN_DOUBT:
        return "whose outcome was unknown then"
    ended = {**dict.fromkeys(SUCCESS, "was done"), **dict.fromkeys(FAILED, "had failed without effect")}
    return f"which {ended.get(state, 'was not carried out')}"


def sentences(facts: TraceFacts) -> list[str]:
    """For the brief: each action of another trace that was joined, once."""
    return [f"{join['tool']['name']} joined {_where(facts, join)}, {_how(join)}." for join in facts.joined_elsewhere]


def alone(facts: TraceFacts) -> bool:
    """Whether all that was asked for here had been asked for in other traces."""
    return not facts.in_order and bool(facts.joined_elsewhere)


def states(facts: TraceFacts) -> list[str]:
    """How the joined ones stood, for a trace that has no action of its own."""
    return [str(join["state"]) for join in facts.joined_elsewhere]


def title(facts: TraceFacts) -> str:
    """The title of such a trace."""
    return joined_title(len(facts.joined_elsewhere))
