"""Tools whose finished calls are steps: what a tool has done is not done again."""

import asyncio
import copy
import inspect
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from agents import ApplyPatchTool, ComputerTool, CustomTool, FunctionTool, LocalShellTool, ShellTool, Tool
from agents.exceptions import ToolTimeoutError
from agents.tool import default_tool_timeout_error_message

from casework.agents.failures import describe
from casework.agents.stop import Suspended
from casework.core.unset import UNSET
from casework.errors import InvalidInput
from casework.integrations.awaiting import settled
from casework.integrations.openai_agents import outputs
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

_UNKEPT = (ComputerTool, LocalShellTool, ShellTool, ApplyPatchTool)

Invoke = Callable[[Any, str], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool, with the arguments that it is made with: the model's, or a person's."""

    tool: FunctionTool | CustomTool
    invoke: Invoke
    context: Any
    arguments: str
    key: str
    within: Scope
    """The scope of what the tool calls itself."""
    step: str


class DurableTools:
    """Makes the tools of one attempt durable."""

    def __init__(self, recording: Recording, calls: Calls) -> None:
        self._recording, self._calls = recording, calls
        self._working: dict[str, set[asyncio.Task[Any]]] = {}
        """Those that have neither returned nor asked a person, by the path of the run that they are tools of."""
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
        in_thread = _is_plain(tool)

        async def once(context: Any, arguments: str) -> Any:
            self._recording.check()
            work = self._beside_others(self._called(self._call(tool, invoke, context, arguments)))
            if not in_thread:
                return await work
            task = asyncio.create_task(work)
            self._threads.add(task)
            return await asyncio.shield(task)

        kept.on_invoke_tool = _replacing(kept.on_invoke_tool, once)
        if isinstance(kept, FunctionTool):
            self._calls.know(kept)
        return kept

    async def threads_ended(self) -> None:
        """Wait for tools that run in threads, which nothing can end: what they do is done, and is to be recorded."""
        while working := [task for task in self._threads if not task.done()]:
            with suppress(asyncio.CancelledError):
                await asyncio.wait(working)
        for task in self._threads:
            # What it raised is known, and nobody awaits it if the attempt was cancelled.
            task.cancelled() or task.exception()

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

    async def _beside_others(self, work: Awaitable[Any]) -> Any:
        """A tool that asks a person lets the others of its turn finish, so that they are not begun again."""
        task, working = asyncio.current_task(), self._working.setdefault(scope().path, set())
        assert task is not None
        working.add(task)
        try:
            return await work
        except Suspended:
            working.discard(task)
            while working:
                await asyncio.wait(working)
            raise
        finally:
            working.discard(task)

    def _call(self, tool: Any, invoke: Invoke, context: Any, arguments: str) -> Call:
        outer, key = scope(), call_key(context.tool_call_id, tool.name, arguments)
        edited = self._calls.edited(context)
        step = step_name(outer, f"tool {tool.name} {context.tool_call_id}")
        kept = self._recording.recorded(step)
        if kept is not None and kept["call"] != key:
            step = step_name(outer, f"tool {tool.name} {context.tool_call_id} {digest(key)}")
        given = arguments if edited is context else edited.tool_arguments
        return Call(tool, invoke, edited, given, key, outer.inner(f"{context.tool_call_id}."), step)

    async def _called(self, call: Call) -> Any:
        token = current.set(call.within)
        try:
            kept = await self._kept(call)
        finally:
            current.reset(token)
        if "output" not in kept:
            # As it did first; the SDK tells the model.
            raise asyncio.CancelledError
        return outputs.decoded(kept["output"])

    async def _kept(self, call: Call) -> dict[str, Any]:
        """What the call results in; it is not kept while an agent that is the tool waits for an approval."""
        unfinished: list[dict[str, Any]] = []

        async def do() -> Any:
            result = await self._result(call)
            if result.get("waits"):
                unfinished.append(result)
                raise _Waits
            return result

        async def tell(kept: Any) -> None:
            result, error = UNSET, "cancelled"
            if "output" in kept:
                result, error = outputs.shown(kept["output"]), kept.get("error")
            run = self._recording.run
            await settled(run.tool(call.tool.name, parsed(call.arguments), result=result, error=error, key=call.step))

        try:
            kept: dict[str, Any] = await self._recording.step(call.step, do, tell)
        except _Waits:
            return unfinished[0]
        return kept

    async def _result(self, call: Call) -> dict[str, Any]:
        response = self._calls.response(call.key)
        try:
            output = await call.invoke(call.context, call.arguments) if response is None else response
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # The tool's own doing.
            return {"call": call.key}
        result = {"call": call.key, "output": outputs.encoded(output)}
        if call.within.is_waiting:
            if getattr(call.tool, "_is_agent_tool", False):
                return {**result, "waits": True}
            await self._recording.notice(
                f"An agent that the tool {call.tool.name!r} runs itself waits for an approval, which nobody is asked for: "
                "make the agent a tool, with as_tool."
            )
        error = self._errors.pop(call.context.tool_call_id, None)
        return result if error is None else {**result, "error": error}


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
    replaced = copy.copy(original)
    kind: Any = type(original)
    replaced.__class__ = _durable_class(kind)
    replaced.durable_call = call
    return replaced


@cache
def _durable_class(original: Any) -> Any:
    async def __call__(self: Any, context: Any, arguments: str) -> Any:  # noqa: N807
        return await self.durable_call(context, arguments)

    return type(original.__name__, (original,), {"__call__": __call__})


def _is_plain(tool: Any) -> bool:
    function = getattr(tool, "__wrapped__", None)
    return function is not None and not inspect.iscoroutinefunction(function)


def _is_hosted(tool: Any) -> bool:
    return isinstance(tool, ShellTool) and tool.executor is None
