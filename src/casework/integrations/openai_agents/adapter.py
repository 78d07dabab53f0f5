"""`durable`: an agent of the OpenAI Agents SDK as an agent of casework."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
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
from agents.exceptions import AgentsException
from agents.items import ToolCallItem, ToolCallOutputItem, TResponseInputItem

from casework.agents import Agent as CaseworkAgent
from casework.agents import Fail, HeldCase, Outcome, Run, agent
from casework.errors import InvalidInput
from casework.integrations.awaiting import settled
from casework.integrations.openai_agents.approvals import Calls, Customize
from casework.integrations.openai_agents.graph import Graph
from casework.integrations.openai_agents.recording import Recording, Scope, current
from casework.integrations.openai_agents.runner import durable_config, install
from casework.integrations.openai_agents.tools import DurableTools
from casework.integrations.outcomes import is_empty, outcome_of

DEFAULT_TURNS = 10

Input = str | list[TResponseInputItem]


def current_run() -> Run:
    """The run that the calling tool, guardrail or hook belongs to. Raises LookupError outside of one.

    It gives what must not happen twice its key: `current_run().idempotency_key(f"pay {context.tool_call_id}")`.
    """
    scope = current.get()
    if scope is None:
        raise LookupError("No run of casework's is at work here.")
    run: Run = scope.recording.run
    return run


def completed(output: Any) -> Outcome:
    """The outcome of an output: an outcome is itself, any other value completes the case and is its reason."""
    return outcome_of(output, _text)


def _text(output: Any) -> str:
    dump = getattr(output, "model_dump_json", None)
    return str(dump() if callable(dump) else output)


def durable(
    wrapped: Agent[Any],
    *,
    input: Callable[[HeldCase], Input | Awaitable[Input]],
    context: Callable[[HeldCase], Any] | None = None,
    output: Callable[[Any], Outcome] = completed,
    request: Customize | None = None,
    max_turns: int | None = DEFAULT_TURNS,
    run_config: RunConfig | None = None,
    hooks: RunHooks[Any] | None = None,
    stream: bool = False,
    tracing: bool = False,
) -> CaseworkAgent:
    """An agent of the SDK that outlives its process: create it with `casework agents create NAME --python module:name`.

    `input` makes the first input from the case, once for a run. `context` makes the object that tools get, again in each
    attempt: nothing of it is stored. Both may be async. `output` makes the outcome of the case from the agent's final output.
    `request` may change what people are asked about a call: its words, who may answer, when it expires. `max_turns` counts
    over all attempts and waits; None is no limit. With `stream`, the model's words are shown while they come. Without
    `tracing`, the SDK makes no traces: it would send them to its maker.

    Each answer of a model is a step of the run, and so is each tool call that returned: neither is done again. Calls that
    need an approval become requests to people, those of one turn in one wait.
    """
    config = run_config or RunConfig()

    async def run_agent(run: Run) -> Outcome:
        attempt = Attempt.of(run, request, stream, tracing)
        options = {"max_turns": max_turns, "hooks": hooks, "run_config": durable_config(config, attempt.graph)}
        try:
            result = await attempt.result(wrapped, input, context, options)
        except AgentsException as error:
            return attempt.failure(error)
        if open_ := _without_result(result):
            return Fail(f"The agent gave its output, although its call of {open_[0]!r} had no result.")
        final = result.final_output
        return completed(final) if is_empty(final) else output(final)

    run_agent.__name__ = wrapped.name or "agent"
    run_agent.__module__ = __name__
    return agent(run_agent)


@dataclass(slots=True)
class Attempt:
    """One attempt of a run: its durable agents, and what people decided about their calls."""

    recording: Recording
    calls: Calls
    tools: DurableTools
    graph: Graph

    @classmethod
    def of(cls, run: Run, request: Customize | None, stream: bool, tracing: bool) -> "Attempt":
        recording = Recording(run, stream)
        calls = Calls(recording, request)
        tools = DurableTools(recording, calls)
        return cls(recording, calls, tools, Graph(recording, tools, calls, tracing))

    async def result(self, wrapped: Agent[Any], input: Any, context: Any, options: dict[str, Any]) -> RunResult:
        """Let the SDK run the agent from the start, through all that is recorded, to its end or to a wait."""
        case = self.recording.run.case
        runner, token = install(), current.set(Scope(self.recording, self.graph))
        try:
            with self.recording.signals.enforced():
                await self.recording.load()
                if "input" not in self.recording.kept:
                    await self.recording.keep(input=_as_json(await settled(input(case))))
                given = self.recording.kept["input"]
                options = {**options, "context": await settled(context(case)) if context else None}
                durable = self.graph.durable(wrapped)
                result = await runner.run(durable, given, **options)
                while result.interruptions:
                    state = result.to_state()
                    await self.calls.decide(state, result.interruptions)
                    result = await runner.run(durable, state, **options)
        finally:
            await self.tools.threads_ended()
            current.reset(token)
        self.recording.check()
        return result

    def failure(self, error: AgentsException) -> Outcome:
        """What a person can do about it, if the error does not say. Raises what is not the SDK's own."""
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
                f"The agent's code has changed, and does not fit what this run has recorded: {str(error).rstrip('.')}. Bring back what is "
                "missing, and retry the case with its steps kept; or retry it without, to start over."
            ) from error
        raise error

    @property
    def _is_replay(self) -> bool:
        return bool(self.recording.run.history.steps) and not self.recording.is_live


def _as_json(given: Any) -> Any:
    try:
        return json.loads(json.dumps(given))
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"The agent's input must be text, or a list of items that are JSON: {error}") from error


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
