"""Replay: what a document would have decided of the past, with what that would have meant. No tool is called."""

from policies.replay.lifecycle import cancel_replay, get_replay_for, ring_stale, start_replay
from policies.replay.run import run_replay

__all__ = ["cancel_replay", "get_replay_for", "ring_stale", "run_replay", "start_replay"]
