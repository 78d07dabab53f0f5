"""Keeps what happens in a conversation, and replays the turn in which a run goes on.

It works as capabilities of pydantic-ai that are given to one run of the agent, so that the agent itself stays as it is.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from pydantic_ai import RunContext
from pydantic_ai.capabilities import AbstractCapability, CapabilityOrdering, WrapModelRequestHandler
from pydantic_ai.exceptions import ApprovalRequired, CallDeferred, ModelRetry, ToolFailed
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturn,
    ToolReturnPart,
)
from pydantic_ai.models import ModelRequestContext
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.toolsets import AbstractToolset, ToolsetTool, WrapperToolset
from pydantic_core import to_jsonable_python

from casework.errors import Unavailable
from casework.integrations.awaiting import settled
from casework.integrations.pydantic_ai import kept
from casework.integrations.signals import Signals

T = TypeVar("T")

SHOWN = 200

KEEP_TRIES, KEEP_SECONDS = 120, 0.5
"""How often, and how far apart, it is tried to keep an answer while the database is away."""

WAITING_KINDS = ("unapproved", "external")
"""Kinds of tools whose calls wait for people."""


EARLY_OUTPUT = "The model gave its output beside calls that wait for people. It is asked again after them."


def request_key(turn: int, content: str = "") -> str:
    """The key of a request of that turn, or how the keys of all of them begin."""
    return f"turn {turn} {content}"


class Conversation:
    """One attempt's part of a run's conversation."""

    def __init__(self, run: Any) -> None:
        self.run = run
        self.signals = Signals()
        self.tools: dict[str, ToolDefinition] = {}
        """The tools that the model was told of last."""
        self.waiting: dict[str, str] = {}
        """Calls that are to wait for people, and have not yet: the names of their tools by the calls' ids."""
        found = kept.read(run.history.steps)
        self.history, self.usage = found.messages, found.usage
        self._replayed = found.answer
        self._code = found.code
        self.turn = found.turns if found.answer is None else found.turns - 1
        self._kept_messages: list[ModelMessage] = list(self.history)
        self.said: dict[str, Any] = {}
        """What people answered in place of a tool, by the id of the call that waited for an approval."""
        self.asked: set[str] = set()
        """The keys of the requests that this attempt has made."""
        self._told: set[str] = set()
        self._unfinished: set[asyncio.Future[Any]] = set()

    async def answer(
        self, messages: list[ModelMessage], context: ModelRequestContext, handler: WrapModelRequestHandler
    ) -> ModelResponse:
        """The model's answer: from the record in the turn in which the run goes on, else from the model."""
        self.signals.check()
        self.turn += 1
        parameters = context.model_request_parameters
        self.tools = {tool.name: tool for tool in parameters.function_tools}
        code = kept.code_of(context.model.model_name, parameters)
        if self._replayed is not None:
            answer, self._replayed = self._replayed, None
            if code != self._code:
                await self.notice("The agent's model, tools, output or instructions have changed since the run began.")
            with self.run.together():
                await self._tell_answer(answer, context)
        else:
            with self.run.together():
                await self.tell_unused(self.turn - 1)
                await self._tell_results(messages)
            answer = await self._kept_answer(messages, context, handler, code)
        self._kept_messages = [*messages, answer]
        return answer

    async def _kept_answer(
        self,
        messages: list[ModelMessage],
        context: ModelRequestContext,
        handler: WrapModelRequestHandler,
        code: str,
    ) -> ModelResponse:
        answers: list[ModelResponse] = []

        async def ask_model() -> Any:
            outputs = {tool.name for tool in context.model_request_parameters.output_tools}
            if not answers:
                answers.append(await handler(context))
                answers.append(self._without_early_output(answers[0], outputs))
            # From here to the end of the block, all is written at once.
            block.enter_context(self.run.together())
            return kept.written(self._kept_messages, messages, answers[1], code)

        async def keep() -> None:
            await settled(self.run.step(kept.model_step(self.turn), ask_model))
            await self._tell_answer(answers[1], context)
            if answers[1] is not answers[0]:
                await self.notice(EARLY_OUTPUT)

        block = ExitStack()
        await until_kept(block, keep, answers)
        return answers[1]

    def _without_early_output(self, answer: ModelResponse, outputs: set[str]) -> ModelResponse:
        """The framework takes an output that comes along with calls which wait for people, and answers the calls itself,
        with "not executed". What the model says before it knows what people decide is not final: it is left out."""
        kinds = {tool.name: tool.kind for tool in self.tools.values()}
        if not any(kinds.get(call.tool_name) in WAITING_KINDS for call in answer.tool_calls):
            return answer
        parts = [part for part in answer.parts if not (isinstance(part, ToolCallPart) and part.tool_name in outputs)]
        return replace(answer, parts=parts) if len(parts) < len(answer.parts) else answer

    async def call(
        self, name: str, call_id: str, arguments: Any, tool: Callable[[], Awaitable[Any]], *, is_async: bool
    ) -> Any:
        """The result of a tool call, from the record if it has returned before. Raises what it raised, if it is for the
        model."""
        results: list[Any] = []
        cancelled: list[asyncio.CancelledError] = []

        async def call_tool() -> Any:
            try:
                if not results:
                    call = tool() if is_async else self._to_its_end(tool, cancelled)
                    results.append(await self._result(name, call_id, call))
            except ModelRetry as error:
                return {"retry": error.message}
            except ToolFailed as error:
                return {"failed": error.message}
            block.enter_context(self.run.together())
            return kept.result_to_json(results[0])

        async def keep() -> Any:
            found = await settled(self.run.step(kept.tool_step(self.turn, name, call_id), call_tool))
            if results:
                await self._tell(name, arguments, f"{self.turn} {call_id}", result=_shown(results[0]))
            return found

        block = ExitStack()
        with self.signals.noted():
            found = await until_kept(block, keep, results)
        if cancelled:
            raise cancelled[0]
        if "retry" in found:
            raise ModelRetry(found["retry"])
        if "failed" in found:
            raise ToolFailed(found["failed"])
        return results[0] if results else kept.result_from_json(found)

    async def _result(self, name: str, call_id: str, call: Awaitable[Any]) -> Any:
        try:
            return await call
        except (CallDeferred, ApprovalRequired):
            self.waiting[call_id] = name
            raise

    async def _to_its_end(self, tool: Callable[[], Awaitable[T]], cancelled: list[asyncio.CancelledError]) -> T:
        """What runs in a thread cannot be stopped. So a stop waits for its end, and its result is kept."""
        running = asyncio.ensure_future(tool())
        self._unfinished.add(running)
        running.add_done_callback(self._unfinished.discard)
        while not running.done():
            try:
                await asyncio.wait([running])
            except asyncio.CancelledError as error:
                cancelled.append(error)
        return running.result()

    async def finished(self) -> None:
        """Wait for the tools that run in threads."""
        while self._unfinished:
            with suppress(asyncio.CancelledError):
                await asyncio.wait(self._unfinished)

    async def tell_unused(self, turn: int) -> None:
        """Tell of answers to questions of that turn which are not asked any more: the agent's code has changed."""
        for one in self.run.history.answered:
            if one.key is not None and one.key.startswith(request_key(turn)) and one.key not in self.asked:
                await self.notice(
                    f"The agent's code has changed: the answer to {one.title[:SHOWN]!r} is not used.", one.key
                )

    async def notice(self, text: str, about: str | None = None) -> None:
        """Tell people something, once: about the request with that key, or else about this turn."""
        await settled(self.run.notice(text, key=f"{about or self.turn} {text}"))

    async def _tell_answer(self, answer: ModelResponse, context: ModelRequestContext) -> None:
        """Record what the model said and used. In a replayed turn, this finds it on record."""
        used, turn = answer.usage, self.turn
        await settled(
            self.run.usage(
                input_tokens=used.input_tokens,
                output_tokens=used.output_tokens,
                requests=1,
                cost=float(used.cost or 0),
                model=answer.model_name or context.model.model_name,
                key=kept.model_step(turn),
            )
        )
        for number, part in enumerate(answer.parts):
            if isinstance(part, TextPart) and part.content:
                await settled(self.run.say(part.content, key=f"{turn} {number}"))
            elif isinstance(part, ToolCallPart):
                arguments = part.args_as_dict()
                await settled(self.run.tool(part.tool_name, arguments, key=f"{turn} {part.tool_call_id}"))

    async def _tell_results(self, messages: Sequence[ModelMessage]) -> None:
        """Record the results that the model is about to be told: of the turn before."""
        last = next((message for message in reversed(messages) if isinstance(message, ModelResponse)), None)
        if last is None:
            return
        calls = {part.tool_call_id: part for part in last.tool_calls}
        for message in messages[messages.index(last) :]:
            for part in message.parts if isinstance(message, ModelRequest) else ():
                if isinstance(part, ToolReturnPart) and (call := calls.get(part.tool_call_id)):
                    await self._tell_result(call, part)

    async def _tell_result(self, call: ToolCallPart, part: ToolReturnPart) -> None:
        key, arguments = f"{self.turn - 1} {call.tool_call_id}", call.args_as_dict()
        if part.outcome == "success":
            await self._tell(call.tool_name, arguments, key, result=_shown(part.content))
        else:
            await self._tell(call.tool_name, arguments, key, error=f"{part.outcome}: {part.model_response_str()}")

    async def _tell(self, tool: str, arguments: Any, key: str, **came: Any) -> None:
        """Record the result of a call, unless this attempt has."""
        if key not in self._told:
            await settled(self.run.tool(tool, arguments, key=key, **came))
            self._told.add(key)


async def until_kept(block: ExitStack, keep: Callable[[], Awaitable[T]], returned: Sequence[object]) -> T:
    """Keep something, with what the block writes at its end. While the database is away, try again, if it has been done and
    so must not be done again. Raises what `keep` raises."""
    for _ in range(KEEP_TRIES):
        try:
            with block:
                return await keep()
        except Unavailable:
            if not returned:
                raise
            await asyncio.sleep(KEEP_SECONDS)
    with block:
        return await keep()


def _shown(result: Any) -> Any:
    """What a message says of a result: of one that also adds to the conversation, the result itself."""
    return to_jsonable_python(result.return_value if isinstance(result, ToolReturn) else result, fallback=repr)


@dataclass
class Recorder(AbstractCapability[Any]):
    """Keeps the model's answers, around all other capabilities."""

    conversation: Conversation
    ask: Callable[[ToolCallPart, dict[str, Any]], Awaitable[Any]]
    """Asks people for the result of a call."""

    def get_ordering(self) -> CapabilityOrdering:
        return CapabilityOrdering(position="outermost")

    async def wrap_model_request(
        self, ctx: RunContext[Any], *, request_context: ModelRequestContext, handler: WrapModelRequestHandler
    ) -> ModelResponse:
        with self.conversation.signals.noted():
            return await self.conversation.answer(ctx.messages, request_context, handler)

    def get_wrapper_toolset(self, toolset: AbstractToolset[Any]) -> AbstractToolset[Any]:
        return _RecordedToolset(toolset, self.conversation, self.ask)


@dataclass
class _RecordedToolset(WrapperToolset[Any]):
    """Keeps what the tools return."""

    conversation: Conversation = field(repr=False)
    ask: Callable[[ToolCallPart, dict[str, Any]], Awaitable[Any]] = field(repr=False)

    async def call_tool(
        self, name: str, tool_args: dict[str, Any], ctx: RunContext[Any], tool: ToolsetTool[Any]
    ) -> Any:
        async def call() -> Any:
            # The framework takes no other result of a call that waits for an approval.
            if ctx.tool_call_id in self.conversation.said:
                return self.conversation.said[ctx.tool_call_id]
            try:
                return await self.wrapped.call_tool(name, tool_args, ctx, tool)
            except CallDeferred as error:
                # The framework takes a call that was approved for one that no longer waits.
                if not ctx.tool_call_approved:
                    raise
                part = ToolCallPart(name, to_jsonable_python(tool_args), ctx.tool_call_id or name)
                return await self.ask(part, error.metadata or {})

        return await self.conversation.call(name, ctx.tool_call_id or name, tool_args, call, is_async=_is_async(tool))


def _is_async(tool: Any) -> bool:
    """Whether a call of the tool can be cancelled. Only the tool of a plain function says that it is none; a toolset that
    combines others has it as the source of its own."""
    while hasattr(tool, "source_tool"):
        tool = tool.source_tool
    return bool(getattr(tool, "is_async", True))
