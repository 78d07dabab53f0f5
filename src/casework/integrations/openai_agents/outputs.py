"""What tools return, as JSON and back."""

import json
from typing import Any

from agents import ToolOutputFileContent, ToolOutputImage, ToolOutputText

_PARTS = {one.__name__: one for one in (ToolOutputText, ToolOutputImage, ToolOutputFileContent)}


def encoded(value: Any) -> Any:
    """As JSON: as it is, if JSON gives the same back; parts for the model by their type; else the text that the model sees."""
    if isinstance(value, list) and value and all(_is_part(one) for one in value):
        return {"parts": [_part(one) for one in value]}
    if _is_part(value):
        return {"part": _part(value)}
    try:
        if json.loads(json.dumps(value, allow_nan=False)) == value:
            return {"json": value}
    except (TypeError, ValueError, RecursionError):
        pass
    return {"json": str(value)}


def decoded(kept: Any) -> Any:
    """What was returned."""
    if "part" in kept:
        return _of_part(kept["part"])
    return [_of_part(one) for one in kept["parts"]] if "parts" in kept else kept["json"]


def shown(kept: Any) -> Any:
    """For people."""
    if "part" in kept:
        return kept["part"]["value"]
    return [one["value"] for one in kept["parts"]] if "parts" in kept else kept["json"]


def _is_part(value: Any) -> bool:
    return isinstance(value, tuple(_PARTS.values()))


def _part(value: Any) -> Any:
    (name,) = (name for name, kind in _PARTS.items() if isinstance(value, kind))
    return {"type": name, "value": value.model_dump(mode="json")}


def _of_part(part: Any) -> Any:
    return _PARTS[part["type"]].model_validate(part["value"])
