"""Tools whose finished calls are steps: what a tool has done is not done again."""

import asyncio
import copy
import inspect
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from agents import (
    ApplyPatchTool,
    ComputerTool,
    CustomTool,
    FunctionTool,
    LocalShellTool,
    ShellTool,
    Tool,
    ToolOutputFileContent,
    ToolOutputImage,
    ToolOutputText,
)
from agents.exceptions import ToolTimeoutError
from agents.tool import default_tool_timeout_error_message

from casework.agents.failures import describe
from casework.agents.stop import Suspended
from casework.core.unset import UNSET
from casework.errors import InvalidInput
from casework.integrations.openai_agents.approvals import Calls, call_key
from casework.integrations.openai_agents.recording import (
    Recording,
    Scope,
    current,
    digest,
    parsed,
    scope,
    step_name,
)

_PARTS = {one.__name__: one for one in (ToolOutputText, ToolOutputImage, ToolOutputFileContent)}
_UNKEPT = (ComputerTool, LocalShellTool, ShellTool, ApplyPatchTool)

Invoke = Callable[[Any, str], Awaitable[Any]]


class DurableTools:
    """Makes the tools of one attempt durable."""

    def __init__(self, recording: Recording, calls: Calls) -> None:
        self._recording, self._calls = recording, calls
        self._working: set[asyncio.Task[Any]] = set()
        self._asking: set[asyncio.Task[Any]] = set()
        self._threads: set[asyncio.Task[Any]] = set()
        self._errors: dict[str, str] = {}
        """What tools raised and the SDK made a text for the model of, by the id of the call."""

    def durable(self, tool: Tool, agent: str) -> Tool:
        """The tool, whose calls are kept. Raises InvalidInput for a kind of tool whose effects cannot be."""
        if isinstance(tool, _UNKEPT) and not _is_hosted(tool):
            raise InvalidInput(
                f"The agent {agent!r} has the tool {tool.name!r} ({type(tool).__name__}), which works on this machine "
                "outside of what a run can record: a resumed run would do its work again. Put it into a function tool."
            )
        if not isinstance(tool, FunctionTool | CustomTool):
            return tool
        kept = copy.copy(tool)
        kept.on_invoke_tool = self._hearing_errors(kept.on_invoke_tool)
        invoke = _with_timeout(kept) if isinstance(kept, FunctionTool) else kept.on_invoke_tool
        in_thread = _is_sync(tool)

        async def once(context: Any, arguments: str) -> Any:
            return await self._call(tool, invoke, in_thread, context, arguments)

        kept.on_invoke_tool = _replacing(kept.on_invoke_tool, once)
        if isinstance(kept, FunctionTool):
            self._calls.know(kept)
        return kept

    async def threads_ended(self) -> None:
        """Wait for tools that run in threads, which nothing can end: what they do is done, and is to be recorded."""
        while working := [task for task in self._threads if not task.done()]:
            wait = asyncio.ensure_future(asyncio.wait(working))
            while not wait.done():
                try:
                    await asyncio.shield(wait)
                except asyncio.CancelledError:
                    continue

    def _hearing_errors(self, invoke: Any) -> Any:
        """The invocation, whose errors are heard of here although the SDK handles them."""
        handled = getattr(invoke, "_on_handled_error", None)
        if handled is None:
            return invoke

        def hear(tool: Any, error: Exception, arguments: str, context: Any) -> None:
            self._errors[context.tool_call_id] = describe(error)
            with suppress(Exception), self._recording.signals.noted():
                raise error
            handled(tool, error, arguments, context)

        hearing = copy.copy(invoke)
        hearing._on_handled_error = hear
        return hearing

    async def _call(self, tool: Any, invoke: Any, in_thread: bool, context: Any, arguments: str) -> Any:
        self._recording.check()
        work = self._kept_call(tool, invoke, context, arguments)
        if not in_thread:
            return await self._beside_others(work)
        task = asyncio.create_task(work)
        self._threads.add(task)
        return await asyncio.shield(task)

    async def _beside_others(self, work: Awaitable[Any]) -> Any:
        """A tool that asks a person lets the others of its turn finish, so that they are not begun again."""
        task = asyncio.current_task()
        assert task is not None
        self._working.add(task)
        try:
            return await work
        except Suspended:
            self._asking.add(task)
            while others := self._working - self._asking:
                await asyncio.wait({asyncio.ensure_future(_ended(other)) for other in others})
            raise
        finally:
            self._working.discard(task)

    async def _kept_call(self, tool: Any, invoke: Invoke, context: Any, arguments: str) -> Any:
        outer = scope()
        key = call_key(context.tool_call_id, tool.name, arguments)
        name = self._name(outer, tool.name, context.tool_call_id, key)
        edited = self._calls.edited(context)
        if edited is not context:
            arguments = edited.tool_arguments
        within = outer.inner(f"{context.tool_call_id}.")
        token = current.set(within)
        try:
            kept = await self._step(within, name, edited, key, lambda: self._result(key, invoke, edited, arguments))
        finally:
            outer.waits |= within.waits
            current.reset(token)
        if within.waits:
            return _decoded(kept["output"])
        cancelled = "output" not in kept
        result, error = (UNSET, "cancelled") if cancelled else (_shown(kept["output"]), kept.get("error"))
        await self._recording.tell(
            self._recording.run.tool(tool.name, parsed(arguments), result=result, error=error, key=name)
        )
        if cancelled:
            # As it did first; the SDK tells the model.
            raise asyncio.CancelledError
        return _decoded(kept["output"])

    def _name(self, within: Scope, tool: str, call_id: str, key: str) -> str:
        name = step_name(within, f"tool {tool} {call_id}")
        kept = self._recording.recorded(name)
        return (
            name if kept is None or kept["call"] == key else step_name(within, f"tool {tool} {call_id} {digest(key)}")
        )

    async def _result(self, key: str, invoke: Invoke, context: Any, arguments: str) -> Any:
        text = self._calls.response(key)
        return text if text is not None else await invoke(context, arguments)

    async def _step(self, within: Scope, name: str, context: Any, key: str, work: Callable[[], Awaitable[Any]]) -> Any:
        """What the call results in, as it is kept."""
        unfinished: list[Any] = []
        call_id: str = context.tool_call_id

        async def do() -> Any:
            try:
                result = await work()
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                # The tool's own doing.
                return {"call": key}
            kept = {"call": key, "output": _encoded(result)}
            if within.waits:
                unfinished.append(kept)
                raise _Waits
            error = self._errors.pop(call_id, None)
            return kept if error is None else {**kept, "error": error}

        try:
            return await self._recording.step(name, do)
        except _Waits:
            return unfinished[0]


class _Waits(Exception):
    """An agent that is a tool waits for an approval: its call has no result yet."""


def _with_timeout(tool: FunctionTool) -> Invoke:
    """Its invocation with its time-out, whose text for the model is recorded as any other result."""
    invoke, seconds = tool.on_invoke_tool, tool.timeout_seconds
    if seconds is None:
        return invoke
    tool.timeout_seconds = None

    async def limited(context: Any, arguments: str) -> Any:
        task = asyncio.ensure_future(invoke(context, arguments))
        try:
            return await asyncio.wait_for(task, seconds)
        except TimeoutError as error:
            if task.done() and not task.cancelled():
                return task.result()
            expired = ToolTimeoutError(tool_name=tool.name, timeout_seconds=seconds)
            if tool.timeout_behavior == "raise_exception":
                raise expired from error
            if tool.timeout_error_function is None:
                return default_tool_timeout_error_message(tool_name=tool.name, timeout_seconds=seconds)
            text = tool.timeout_error_function(context, expired)
            return await text if inspect.isawaitable(text) else text

    return limited


def _replacing(original: Any, call: Invoke) -> Any:
    """What behaves as `call`, and is otherwise the original: the SDK looks at its type for how to check arguments."""
    if inspect.isfunction(original) or inspect.ismethod(original):
        return call

    async def __call__(_: Any, context: Any, arguments: str) -> Any:  # noqa: N807
        return await call(context, arguments)

    replaced = copy.copy(original)
    replaced.__class__ = type(type(original).__name__, (type(original),), {"__call__": __call__})
    return replaced


def _is_sync(tool: Any) -> bool:
    function = getattr(tool, "__wrapped__", None)
    return function is not None and not inspect.iscoroutinefunction(function)


def _is_hosted(tool: Any) -> bool:
    return isinstance(tool, ShellTool) and tool.executor is None


async def _ended(task: asyncio.Task[Any]) -> None:
    await asyncio.wait({task})


def _encoded(value: Any) -> Any:
    """As JSON: as it is, if JSON gives the same back; parts for the model by their type; else the text that the model sees."""
    if isinstance(value, list) and value and all(type(one).__name__ in _PARTS for one in value):
        return {"parts": [_part(one) for one in value]}
    if type(value).__name__ in _PARTS:
        return {"part": _part(value)}
    try:
        if json.loads(json.dumps(value, allow_nan=False)) == value:
            return {"json": value}
    except (TypeError, ValueError, RecursionError):
        pass
    return {"json": str(value)}


def _part(value: Any) -> Any:
    return {"type": type(value).__name__, "value": value.model_dump(mode="json")}


def _decoded(kept: Any) -> Any:
    if "part" in kept:
        return _of_part(kept["part"])
    return [_of_part(one) for one in kept["parts"]] if "parts" in kept else kept["json"]


def _of_part(part: Any) -> Any:
    return _PARTS[part["type"]].model_validate(part["value"])


def _shown(kept: Any) -> Any:
    if "part" in kept:
        return kept["part"]["value"]
    return [one["value"] for one in kept["parts"]] if "parts" in kept else kept["json"]
