"""Reads the sample world's policies. Whoever installs one grants its waivers, for as long as a waiver may hold."""

from datetime import datetime
from pathlib import Path

from accounts.actors import Actor
from policies.engine.document import load
from policies.engine.yaml_out import dump
from policies.waivers import MOST


def policy_source(file: Path, *, now: datetime, by: Actor) -> str:
    """The text of a sample policy, with who grants its waivers and until when. Raises OSError or PolicyError."""
    plain = dict(load(file.read_text(encoding="utf-8")).plain)
    granted = {"by": by.name, "expires": f"{now + MOST:%Y-%m-%dT%H:%MZ}"}
    waivers = [{**waiver, **granted} for waiver in plain.get("waivers", ())]
    return dump({**plain, "waivers": waivers} if waivers else plain)
