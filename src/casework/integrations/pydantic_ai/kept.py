"""A conversation as it is kept: a step for each answer of the model, and one for each tool call that returned.

The step of an answer also has the messages that led to it. So the steps are the whole conversation, and each is written
in one statement: there is no moment at which one part of it is known and another is not.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter
from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, ModelResponse, ToolReturn
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.usage import RunUsage
from pydantic_core import to_jsonable_python

from casework.core.steps import MAX_NAME, Step

_RESPONSE: TypeAdapter[ModelResponse] = TypeAdapter(ModelResponse)
_RETURN: TypeAdapter[ToolReturn[Any]] = TypeAdapter(ToolReturn)


def model_step(turn: int) -> str:
    """The name of the step of the model's answer in that turn, counted from 1."""
    return f"model {turn}"


def tool_step(turn: int, tool: str, call_id: str) -> str:
    """The name of the step of a tool call: a model may use an id again in another turn."""
    name = f"tool {turn} {tool} {call_id}"
    return name if len(name) <= MAX_NAME else f"tool {turn} {digest([tool, call_id])}"


def digest(content: Any) -> str:
    """A short text that is equal for equal content."""
    written = json.dumps(to_jsonable_python(content, fallback=repr), ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(written.encode("utf-8", "backslashreplace")).hexdigest()[:24]


def code_of(model: str, parameters: ModelRequestParameters) -> str:
    """Stands for what the author's code tells the model, apart from the conversation and the instructions that are made each time."""
    instructions = [part.content for part in parameters.instruction_parts or () if not part.dynamic]
    tools = [
        (one.name, one.description, one.parameters_json_schema, one.kind)
        for one in (*parameters.function_tools, *parameters.output_tools)
    ]
    return digest([model, parameters.output_mode, instructions, tools])


@dataclass
class KeptConversation:
    """What the steps say: the messages up to the last request, the model's answer to it, and what was used before."""

    messages: list[ModelMessage] = field(default_factory=list)
    answer: ModelResponse | None = None
    code: str = ""
    turns: int = 0
    usage: RunUsage = field(default_factory=RunUsage)


def read(steps: Mapping[str, Step]) -> KeptConversation:
    """Read the conversation from the run's steps. The last answer and its tool calls are not counted in its usage: the
    framework goes through that turn again, and counts it."""
    kept = KeptConversation()
    while step := steps.get(model_step(kept.turns + 1)):
        if kept.answer is not None:
            kept.messages.append(kept.answer)
            kept.usage.incr(kept.answer.usage)
            kept.usage.requests += 1
            kept.usage.tool_calls += sum(name.startswith(f"tool {kept.turns} ") for name in steps)
        kept.turns += 1
        kept.messages[step.value["kept"] :] = ModelMessagesTypeAdapter.validate_python(step.value["messages"])
        kept.answer = _RESPONSE.validate_python(step.value["answer"])
        kept.code = step.value["code"]
    return kept


def written(before: Sequence[ModelMessage], now: Sequence[ModelMessage], answer: ModelResponse, code: str) -> Any:
    """What the step of an answer keeps: `before` are the messages that earlier steps keep, `now` all that led to it."""
    pairs = zip(before, now, strict=False)
    common = next((n for n, (one, other) in enumerate(pairs) if one is not other and one != other), len(before))
    common = min(common, len(now))
    new = ModelMessagesTypeAdapter.dump_python(list(now[common:]), mode="json")
    return {"kept": common, "messages": new, "answer": _RESPONSE.dump_python(answer, mode="json"), "code": code}


def result_to_json(result: Any) -> dict[str, Any]:
    """What the step of a tool call keeps."""
    if isinstance(result, ToolReturn):
        return {"return": _RETURN.dump_python(result, mode="json")}
    return {"result": to_jsonable_python(result)}


def result_from_json(kept: Mapping[str, Any]) -> Any:
    """What the tool returned."""
    return _RETURN.validate_python(kept["return"]) if "return" in kept else kept["result"]
