"""A framework that casework does not know plugs in by the same port: agents of strands-agents, in under 150 lines.

Every answer of the model and every result of a tool is a step of the run. So an attempt plays the conversation from its top,
at no cost, to where the last one has left it. A tool that needs an approval interrupts; the requests of one turn are one wait.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from strands import Agent as StrandsAgent
from strands.hooks import BeforeToolCallEvent, HookProvider, HookRegistry
from strands.models import Model
from strands.types._events import ToolResultEvent
from strands.types.tools import AgentTool

from casework import Action, Agent, Answer, Complete, Fail, Outcome, Request, Run, agent
from casework.agents import HeldCase
from casework.core.model import RequestKind
from casework.integrations.signals import Signals

MOST_ANSWERS = 100  # of the model in one run: strands itself has no limit


class KeptModel(Model):
    """A model whose answers are steps. Each is asked for once in a run."""

    def __init__(self, inner: Model, run: Run, signals: Signals) -> None:
        self._inner, self._run, self._signals, self._count = inner, run, signals, 0

    def update_config(self, **config: Any) -> None:
        self._inner.update_config(**config)

    def get_config(self) -> Any:
        return self._inner.get_config()

    def structured_output(self, *given: Any, **more: Any) -> Any:
        return self._inner.structured_output(*given, **more)

    async def stream(self, messages: Any, *given: Any, **more: Any) -> AsyncIterator[Any]:
        self._count += 1
        name = f"model {self._count}"
        with self._signals.noted():
            if self._count > MOST_ANSWERS:
                raise RuntimeError(f"The model has answered {MOST_ANSWERS} times.")
            events = await self._run.step(name, lambda: _all(self._inner.stream(messages, *given, **more)))
            self._record(name, events)
        for event in events:
            yield event

    def _record(self, name: str, events: Sequence[Mapping[str, Any]]) -> None:
        deltas = (event["contentBlockDelta"]["delta"] for event in events if "contentBlockDelta" in event)
        if text := "".join(delta.get("text", "") for delta in deltas):
            self._run.say(text, key=name)
        for used in (event["metadata"]["usage"] for event in events if "metadata" in event):
            self._run.usage(input_tokens=used["inputTokens"], output_tokens=used["outputTokens"], requests=1, key=name)


class KeptTool(AgentTool):
    """A tool whose results are steps."""

    def __init__(self, inner: AgentTool, run: Run, signals: Signals) -> None:
        super().__init__()
        self._inner, self._run, self._signals = inner, run, signals

    @property
    def tool_name(self) -> str:
        return self._inner.tool_name

    @property
    def tool_spec(self) -> Any:
        return self._inner.tool_spec

    @property
    def tool_type(self) -> str:
        return self._inner.tool_type

    async def stream(self, tool_use: Any, invocation_state: Any, **more: Any) -> Any:
        id, arguments = tool_use["toolUseId"], tool_use["input"]

        async def call() -> Any:
            *_, last = await _all(self._inner.stream(tool_use, invocation_state, **more))
            return last["tool_result"] if isinstance(last, dict) and "tool_result" in last else last

        with self._signals.noted():
            self._run.tool(self.tool_name, arguments, key=id)
            result = await self._run.step(f"tool {self.tool_name} {id}", call)
            came = {"error": str(result["content"])} if result["status"] == "error" else {"result": result["content"]}
            self._run.tool(self.tool_name, arguments, key=id, **came)
        yield ToolResultEvent(result)


class Hooks(HookProvider):
    """Asks for approvals, and puts the kept tool into the place of each."""

    def __init__(self, run: Run, signals: Signals, approve: frozenset[str]) -> None:
        self._run, self._signals, self._approve = run, signals, approve

    def register_hooks(self, registry: HookRegistry, **_: Any) -> None:
        registry.add_callback(BeforeToolCallEvent, self.before)

    def before(self, event: BeforeToolCallEvent) -> None:
        name = event.tool_use["name"]
        if name in self._approve:
            answer = event.interrupt(name, reason={"name": name, "arguments": event.tool_use["input"]})
            if answer["arguments"] is None:
                event.cancel_tool = answer["message"] or "A person did not approve this."
            else:
                event.tool_use = {**event.tool_use, "input": answer["arguments"]}
        if event.selected_tool is not None:
            event.selected_tool = KeptTool(event.selected_tool, self._run, self._signals)


def durable(
    make: Callable[[HeldCase], dict[str, Any]], *, prompt: Callable[[HeldCase], str], approve: Sequence[str] = ()
) -> Agent:
    """`make` gives the arguments of strands' Agent from the case; `approve` names the tools that people must approve."""

    @agent
    async def work(run: Run) -> Outcome:
        signals, made = Signals(), make(run.case)
        made["model"] = KeptModel(made["model"], run, signals)
        inner = StrandsAgent(**made, hooks=[Hooks(run, signals, frozenset(approve))], callback_handler=None)
        given: Any = prompt(run.case)
        while True:
            with signals.enforced():
                result = await inner.invoke_async(given)
            if result.stop_reason != "interrupt":
                return Complete(text) if (text := str(result).strip()) else Fail("The agent ended without an output.")
            answers = run.request_all([_request(one) for one in result.interrupts])
            given = list(map(_response, result.interrupts, answers))

    return work


async def _all(events: Any) -> list[Any]:
    return [event async for event in events]


def _request(interrupt: Any) -> Request:
    about = {"title": f"Run {interrupt.name}?", "action": Action(**interrupt.reason), "key": interrupt.id[:200]}
    return Request(kind=RequestKind.APPROVAL, decisions=["approve", "edit", "reject"], **about)


def _response(interrupt: Any, answer: Answer) -> dict[str, Any]:
    given = {"arguments": answer.arguments, "message": answer.message}
    return {"interruptResponse": {"interruptId": interrupt.id, "response": given}}
