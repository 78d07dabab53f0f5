"""Tool calls, as people are shown them."""

import json
from collections.abc import Mapping
from typing import Any

MAX_SHOWN = 200


def shown_call(tool: str, arguments: Mapping[str, Any]) -> str:
    """The call as code would write it, in one short line: `pay(to="Ann", amount=5)`."""
    listed = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in arguments.items())
    text = f"{tool}({listed})"
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"
