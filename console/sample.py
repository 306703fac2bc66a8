"""Reads the sample world's policies. Their waivers run half a year from the day they are installed."""

from datetime import datetime, timedelta
from pathlib import Path

from policies.engine.document import load
from policies.engine.yaml_out import dump

WAIVED_FOR = timedelta(days=180)


def policy_source(file: Path, *, now: datetime) -> str:
    """The text of a sample policy, with the expiry of its waivers set. Raises OSError or PolicyError."""
    plain = dict(load(file.read_text(encoding="utf-8")).plain)
    expires = f"{now + WAIVED_FOR:%Y-%m-%dT%H:%MZ}"
    waivers = [{**waiver, "expires": expires} for waiver in plain.get("waivers", ())]
    return dump({**plain, "waivers": waivers} if waivers else plain)
