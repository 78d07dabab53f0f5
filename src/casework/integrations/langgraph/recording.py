"""What people see of a graph at work: its messages, its tool calls, and what its models have used."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, LLMResult

from casework.agents.failures import shown
from casework.core.payload import storable
from casework.core.steps import MAX_NAME
from casework.integrations.langgraph.questions import is_in
from casework.integrations.langgraph.tasks import Act, Finished

BRANCH = "branch:to:"
"""Before the name of the node that a channel triggers."""

MAX_SHOWN = 10_000
"""Characters of what a node wrote that are kept with its step: the whole is in its checkpoint."""


class Recorder:
    """Records each message once, by its id: it passes here when its node finishes, and again as a graph in a graph ends."""

    def __init__(self, run: Any) -> None:
        self._run = run
        self._calls: dict[str | None, Any] = {}

    def read(self, values: Iterable[Any]) -> None:
        """Learn of the tool calls in a state, for the results that come later."""
        for message in _messages(values):
            if isinstance(message, AIMessage):
                self._calls.update({call["id"]: call for call in message.tool_calls})

    def record(self, task: Finished) -> Iterator[Act]:
        """What records a task that has finished: as a step, and the messages that it wrote."""
        name, result = task.name[-MAX_NAME:], _shown(task.writes)
        yield lambda: self._run.step(name, lambda: result)
        for number, message in enumerate(_messages(value for _, value in task.writes)):
            key = f"langgraph-{message.id or f'{task.id}-{number}'}"
            if isinstance(message, AIMessage):
                yield from self._of_model(message, key)
            elif isinstance(message, ToolMessage):
                yield self._result(message)

    def count(self, answer: AIMessage) -> Act:
        """What counts an answer of a model, once."""
        key = None if answer.id is None else f"langgraph-{answer.id}"
        return lambda: self._run.usage(**_used(answer), key=key)

    def _of_model(self, message: AIMessage, key: str) -> Iterator[Act]:
        self.read([message])
        if message.usage_metadata:
            yield self.count(message)
        if text := storable(str(message.text)):
            yield lambda: self._run.say(text, key=key)
        for call in message.tool_calls:
            yield self._call(call)

    def _call(self, call: Any) -> Act:
        return lambda: self._run.tool(call["name"], _plain(call["args"]), key=_key_of_call(call["id"]))

    def _result(self, message: ToolMessage) -> Act:
        call = self._calls.get(message.tool_call_id) or {"name": message.name or "tool", "args": None}
        came = (
            {"error": storable(str(message.text))} if message.status == "error" else {"result": _plain(message.content)}
        )
        return lambda: self._run.tool(
            call["name"], _plain(call["args"]), key=_key_of_call(message.tool_call_id), **came
        )


def _key_of_call(id: str | None) -> str:
    return f"langgraph-call-{id}"


def _shown(writes: Iterable[tuple[str, Any]]) -> Any:
    """What a task wrote, as people see it with the run."""
    plain = {channel: _plain(value) for channel, value in writes if not channel.startswith(("__", BRANCH))}
    text = json.dumps(plain, ensure_ascii=False)
    return plain if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


def _plain(value: Any) -> Any:
    """The value as JSON that can be stored, whatever it is."""
    match value:
        case None | bool() | int():
            return value
        case str():
            return storable(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case AIMessage():
            return {"text": _plain(str(value.text)), "tool_calls": _plain(value.tool_calls)}
        case BaseMessage():
            return _plain(str(value.text))
        case Mapping():
            return {storable(str(key)): _plain(one) for key, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case _:
            return storable(shown(value))


def _messages(values: Iterable[Any]) -> Iterator[BaseMessage]:
    for value in values:
        for one in value if isinstance(value, Sequence) and not isinstance(value, str | bytes) else (value,):
            if isinstance(one, BaseMessage):
                yield one


class Meter(BaseCallbackHandler):
    """Collects what the models of each task have answered, whether or not the task writes it into the state."""

    run_inline = True
    raise_error = True

    def __init__(self) -> None:
        self._tasks: dict[UUID, str] = {}
        self._answers: dict[str, list[AIMessage]] = {}

    def on_chat_model_start(self, *_: Any, run_id: UUID, metadata: Mapping[str, Any] | None = None, **__: Any) -> None:
        self._tasks[run_id] = str((metadata or {}).get("langgraph_checkpoint_ns", ""))

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **_: Any) -> None:
        if (ns := self._tasks.pop(run_id, None)) is None:
            return
        for generations in response.generations:
            for one in generations[:1]:
                if isinstance(one, ChatGeneration) and isinstance(one.message, AIMessage):
                    self._answers.setdefault(ns, []).append(one.message)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:  # noqa: ARG002 - by name
        self._tasks.pop(run_id, None)

    def taken(self, task_id: str) -> list[AIMessage]:
        """What the models of that task have answered since this was asked last."""
        return [one for ns in list(self._answers) if is_in(ns, task_id) for one in self._answers.pop(ns)]


def _used(message: AIMessage) -> dict[str, Any]:
    used: Any = message.usage_metadata or {}
    metadata = message.response_metadata
    return {
        "input_tokens": used.get("input_tokens", 0),
        "output_tokens": used.get("output_tokens", 0),
        "requests": 1,
        "model": metadata.get("model_name") or metadata.get("model"),
    }


def delta_of(message: Any) -> str:
    """The words that a chunk of a model's stream adds; nothing, for a whole message."""
    return str(message.text) if isinstance(message, AIMessageChunk) else ""
