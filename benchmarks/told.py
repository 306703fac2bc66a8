"""How a benchmark says what it found."""

import json
import sys
from collections.abc import Mapping
from typing import Any


def tell(found: Mapping[str, Any], *, as_json: bool) -> None:
    """Print figures by name: one a line, or all as one JSON object."""
    lines = [f"{name.replace('_', ' '):<32} {value}" for name, value in found.items()]
    sys.stdout.write((json.dumps(found) if as_json else "\n".join(lines)) + "\n")
