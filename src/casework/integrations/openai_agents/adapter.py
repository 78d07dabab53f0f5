"""`durable`: an agent of the OpenAI Agents SDK as an agent of casework's."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from agents import (
    Agent,
    InputGuardrailTripwireTriggered,
    MaxTurnsExceeded,
    ModelBehaviorError,
    OutputGuardrailTripwireTriggered,
    RunConfig,
    RunHooks,
    RunResult,
    UserError,
)
from agents.items import ToolCallItem, ToolCallOutputItem, TResponseInputItem

import casework
from casework import Complete, Fail, HandOver, Outcome, Postpone, Run
from casework.agents import HeldCase
from casework.errors import InvalidInput
from casework.integrations.openai_agents.approvals import Adapt, Calls
from casework.integrations.openai_agents.graph import Graph
from casework.integrations.openai_agents.recording import Recording, Scope, current
from casework.integrations.openai_agents.runner import durable_config, install
from casework.integrations.openai_agents.tools import DurableTools

DEFAULT_TURNS = 10
MAX_REASON = 2000

Input = str | list[TResponseInputItem]


def durable(
    agent: Agent[Any],
    *,
    input: Callable[[HeldCase], Input],
    context: Callable[[HeldCase], Any] | None = None,
    output: Callable[[Any], Outcome] | None = None,
    request: Adapt | None = None,
    max_turns: int | None = DEFAULT_TURNS,
    run_config: RunConfig | None = None,
    hooks: RunHooks[Any] | None = None,
    stream: bool = False,
    tracing: bool = False,
) -> casework.Agent:
    """An agent for `casework agents create NAME --target module:name`, which goes on where it was after a wait, a stop or
    the death of its process.

    `input` makes the first input from the case, once for a run. `context` makes the object that the SDK hands to tools,
    in each attempt; nothing of it is stored. `output` makes the outcome from the agent's final output; without it, the
    case is completed with the output as the reason. `request` may change what people are asked, for example
    `lambda request: replace(request, expires="2d")`. `max_turns` counts over all waits and attempts; None is no limit.
    With `stream`, models are called for their stream, whose text is shown to whoever looks at the run. With `tracing`, the
    SDK's traces are made as it is set up to; without, none are.
    """
    config = run_config or RunConfig()

    async def work(run: Run) -> Outcome:
        attempt = Attempt(run, Recording(run, stream), request, tracing)
        return await attempt.outcome(agent, input, context, output, max_turns, config, hooks)

    work.__name__ = work.__qualname__ = getattr(agent, "name", "agent")
    return casework.Agent(work)


class Attempt:
    """One attempt of a run: its durable agents, and what it does with them."""

    def __init__(self, run: Run, recording: Recording, request: Adapt | None, tracing: bool) -> None:
        self._run, self._recording = run, recording
        self._runner = install()
        self._calls = Calls(recording, request)
        self._tools = DurableTools(recording, self._calls)
        self._graph = Graph(recording, self._tools, self._calls, tracing)

    async def outcome(
        self,
        agent: Agent[Any],
        input: Callable[[HeldCase], Input],
        context: Callable[[HeldCase], Any] | None,
        output: Callable[[Any], Outcome] | None,
        max_turns: int | None,
        config: RunConfig,
        hooks: RunHooks[Any] | None,
    ) -> Outcome:
        token = current.set(None)
        try:
            first = await self._recording.step("input", lambda: _immediately(input(self._run.case)))
            made = context(self._run.case) if context else None
            options = {"context": made, "max_turns": max_turns, "hooks": hooks}
            options["run_config"] = durable_config(config, self._graph)
            current.set(Scope(self._recording, self._graph))
            result = await self._finished(self._graph.durable(agent), first, options)
        except BaseException as error:
            await self._tools.threads_ended()
            return self._failure(error)
        finally:
            current.reset(token)
        self._recording.check()
        return _outcome(result, output)

    async def _finished(self, agent: Agent[Any], first: Input, options: dict[str, Any]) -> RunResult:
        result = await self._runs(agent, first, options)
        while result.interruptions:
            state = result.to_state()
            await self._calls.decide(state, result.interruptions)
            result = await self._runs(agent, state, options)
        return result

    async def _runs(self, agent: Agent[Any], given: Any, options: dict[str, Any]) -> RunResult:
        result = await self._runner.run(agent, given, **options)
        self._recording.check()
        return result

    def _failure(self, error: BaseException) -> Outcome:
        """What a person can do about it, or the error itself. What ends the attempt counts before what the SDK made of it."""
        if isinstance(error, asyncio.CancelledError):
            raise error
        if self._recording.signal is not None:
            raise self._recording.signal
        if isinstance(error, MaxTurnsExceeded):
            return Fail(
                f"{error.message}. To let it go on, raise max_turns and retry the case with its steps kept: the calls that "
                "were made are not made again."
            )
        if isinstance(error, InputGuardrailTripwireTriggered | OutputGuardrailTripwireTriggered):
            return Fail(f"The guardrail {error.guardrail_result.guardrail.get_name()!r} has stopped the agent.")
        if isinstance(error, UserError) and isinstance(error.__cause__, Exception):
            # What a tool raised that has no failure_error_function.
            raise error.__cause__
        if isinstance(error, UserError | ModelBehaviorError) and self._is_replay:
            raise InvalidInput(
                f"The agent's code does not fit what this run has recorded, so it has changed since: {error} Bring back "
                "what is missing, and retry the case with its steps kept; or retry it without, to start over."
            ) from error
        raise error

    @property
    def _is_replay(self) -> bool:
        return bool(self._run.history.steps) and not self._recording.is_live


def _outcome(result: RunResult, output: Callable[[Any], Outcome] | None) -> Outcome:
    final = result.final_output
    if open_ := _without_result(result):
        return Fail(f"The agent gave a final output, although its call of {open_[0]!r} had got no result.")
    if final is None or (isinstance(final, str) and not final.strip()):
        return Fail("The agent ended without an output.")
    if output is not None:
        return output(final)
    if isinstance(final, Complete | Fail | Postpone | HandOver):
        return final
    dump = getattr(final, "model_dump_json", None)
    text = dump() if callable(dump) else str(final)
    return Complete(text if len(text) <= MAX_REASON else f"{text[: MAX_REASON - 1]}…")


def _without_result(result: RunResult) -> Sequence[str]:
    """The names of function tools that the model called, and of whose calls it was told nothing."""
    answered = {_of(item.raw_item, "call_id") for item in result.new_items if isinstance(item, ToolCallOutputItem)}
    called = [item.raw_item for item in result.new_items if isinstance(item, ToolCallItem)]
    return [
        _of(one, "name")
        for one in called
        if _of(one, "type") == "function_call" and _of(one, "call_id") not in answered
    ]


def _of(item: Any, name: str) -> Any:
    return item.get(name) if isinstance(item, dict) else getattr(item, name, None)


async def _immediately(value: Any) -> Any:
    return value
