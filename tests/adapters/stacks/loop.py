"""What the raw loops share: a turn that was answered as pending is kept, and answered again later."""

import json
from typing import Any


def told(text: str, state: Any) -> dict[str, Any]:
    """The end of a turn, or what has to be kept until people decided."""
    waits = '"state": "pending"' in text
    return {"pending": waits, "text": text, "state": state if waits else None}


def plain(value: Any) -> Any:
    """Something an SDK made, as JSON would keep it."""
    return json.loads(json.dumps(value, default=str))
