"""An example: an adapter for a framework that casework does not name, strands-agents, on nothing but what agents are given.

Each attempt goes through the agent's loop from its beginning. What was finished comes from the run's steps: a model's events and a
tool's result. So places and contents of requests and messages are the same in each attempt, and need no keys.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from typing import Any, cast

from strands import Agent as StrandsAgent
from strands.hooks import BeforeToolCallEvent, BeforeToolsEvent
from strands.models import Model
from strands.types._events import ToolResultEvent
from strands.types.tools import AgentTool, ToolUse

import casework
from casework import Action, Answer, Complete, Decision, Fail, Outcome, Request
from casework.agents import HeldCase, Run
from casework.core.model import RequestKind
from casework.integrations.awaiting import settled
from casework.integrations.signals import Signals

Customize = Callable[[Request], Request]


def durable(
    make: Callable[[HeldCase], StrandsAgent],
    *,
    prompt: Callable[[HeldCase], str],
    asks: Collection[str] = (),
    request: Customize = lambda usual: usual,
    **options: Any,
) -> casework.Agent:
    """`make` makes the agent for a case, `asks` names the tools that need an approval, `options` go to `invoke_async`."""

    async def run_agent(run: Run) -> Outcome:
        attempt, inner = Attempt(run, asks, request), make(run.case)
        inner.model = cast(Model, KeptModel(inner.model, attempt))
        inner.add_hook(attempt.ask, BeforeToolsEvent)
        inner.add_hook(attempt.before_call, BeforeToolCallEvent)
        with attempt.signals.enforced():
            result = await inner.invoke_async(prompt(run.case), invocation_state={"run": run}, **options)
        if result.stop_reason != "end_turn":
            return Fail(f"The agent stopped: {result.stop_reason}.")
        return Complete(text) if (text := str(result).strip()) else Fail("The agent ended without an output.")

    return casework.agent(run_agent)


class Attempt:
    """One attempt: what it has asked, and how often the model was called in it."""

    def __init__(self, run: Any, asks: Collection[str], customize: Customize) -> None:
        self.run, self.asks, self.customize = run, asks, customize
        self.signals, self.turn = Signals(), 0
        self.answers: dict[str, Answer] = {}

    async def step(self, name: str, do: Callable[[], Awaitable[Any]]) -> Any:
        with self.signals.noted():
            self.signals.check()
            return await settled(self.run.step(name, do))

    async def tell(self, call: ToolUse, **came: Any) -> None:
        await settled(self.run.tool(call["name"], call["input"], key=f"{self.turn} {call['toolUseId']}", **came))

    async def ask(self, event: BeforeToolsEvent) -> None:
        """Ask about all calls of a turn in one wait."""
        calls = [part["toolUse"] for part in event.message["content"] if "toolUse" in part]
        for call in calls:
            await self.tell(call)
        waiting = [call for call in calls if call["name"] in self.asks]
        specs = {spec["name"]: spec for spec in event.agent.tool_registry.get_all_tool_specs()}
        asked = [self.customize(_approval(call, specs[call["name"]])) for call in waiting]
        with self.signals.noted():
            answers = await settled(self.run.request_all(asked))
        self.answers.update((call["toolUseId"], one) for call, one in zip(waiting, answers, strict=True))

    async def before_call(self, event: BeforeToolCallEvent) -> None:
        """Do with a call what people said, and keep its result."""
        call = event.tool_use
        answer = self.answers.get(call["toolUseId"])
        if answer and answer.decision in (Decision.REJECT, Decision.EXPIRED):
            event.cancel_tool = answer.message or "The tool call was denied."
            await self.tell(call, error=event.cancel_tool)
            return
        if answer and answer.decision is Decision.EDIT:
            event.tool_use = {**call, "input": dict(answer.arguments or {})}
        if event.selected_tool is not None:
            event.selected_tool = cast(AgentTool, KeptTool(event.selected_tool, self, answer))


def _approval(call: ToolUse, spec: Any) -> Request:
    return Request(
        kind=RequestKind.APPROVAL,
        title=f"{call['name']}({', '.join(f'{name}={value!r}' for name, value in call['input'].items())})",
        action=Action(name=call["name"], arguments=call["input"], schema=spec["inputSchema"]["json"]),
        decisions=(Decision.APPROVE, Decision.EDIT, Decision.REJECT, Decision.RESPOND),
    )


class Kept:
    """A model or a tool of the framework, as an attempt uses it."""

    def __init__(self, inner: Any, attempt: Attempt, answer: Answer | None = None) -> None:
        self._inner, self._attempt, self._answer = inner, attempt, answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class KeptModel(Kept):
    """A model whose answers are steps."""

    async def stream(self, *given: Any, **options: Any) -> AsyncGenerator[Any, None]:
        run, attempt = self._attempt.run, self._attempt
        attempt.turn += 1
        name = f"model {attempt.turn}"

        async def ask_model() -> Any:
            return [event async for event in self._inner.stream(*given, **options)]

        found = await attempt.step(name, ask_model)
        used = next((event["metadata"]["usage"] for event in found if "metadata" in event), {})
        tokens = {"input_tokens": used.get("inputTokens", 0), "output_tokens": used.get("outputTokens", 0)}
        await settled(run.usage(**tokens, requests=1, key=name))
        deltas = [event["contentBlockDelta"]["delta"] for event in found if "contentBlockDelta" in event]
        if text := "".join(delta.get("text", "") for delta in deltas).strip():
            await settled(run.say(text))
        for event in found:
            yield event


class KeptTool(Kept):
    """A tool whose results are steps."""

    async def stream(self, tool_use: ToolUse, invocation_state: dict[str, Any], **options: Any) -> Any:
        id = tool_use["toolUseId"]

        async def call() -> Any:
            if self._answer and self._answer.decision is Decision.RESPOND:
                return {"toolUseId": id, "status": "success", "content": [{"text": str(self._answer.value)}]}
            events = [event async for event in self._inner.stream(tool_use, invocation_state, **options)]
            return events[-1]["tool_result"]

        result = await self._attempt.step(f"tool {self._attempt.turn} {id}", call)
        text = " ".join(part.get("text", "") for part in result["content"])
        await self._attempt.tell(tool_use, **{"error" if result["status"] == "error" else "result": text})
        yield ToolResultEvent(result)
