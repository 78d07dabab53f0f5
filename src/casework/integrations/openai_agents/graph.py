"""The agents of a run: copies of the author's, with durable models, tools, guardrails and handoffs."""

import copy
import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agents import (
    Agent,
    FunctionTool,
    GuardrailFunctionOutput,
    Handoff,
    Model,
    ToolGuardrailFunctionOutput,
    ToolInputGuardrailData,
)
from pydantic import TypeAdapter

from casework.integrations.openai_agents.approvals import Calls
from casework.integrations.openai_agents.models import durable_model
from casework.integrations.openai_agents.recording import Recording, current, scope, step_name
from casework.integrations.openai_agents.tools import DurableTools

_ANY: TypeAdapter[Any] = TypeAdapter(Any)


@dataclass(slots=True)
class Graph:
    """The durable agents of one attempt."""

    recording: Recording
    tools: DurableTools
    calls: Calls
    traces: bool = False
    _copies: dict[int, Agent[Any]] = field(default_factory=dict)
    _originals: list[Agent[Any]] = field(default_factory=list)
    """Kept, so that no other agent gets the id of one of them."""

    def durable(self, agent: Agent[Any]) -> Agent[Any]:
        """The durable copy of an agent. The author's own stays as it is."""
        known = self._copies.get(id(agent))
        if known is not None:
            return known
        durable = copy.copy(agent)
        self._originals += [agent, durable]
        # Agents hand over to one another in circles.
        self._copies[id(agent)] = self._copies[id(durable)] = durable
        durable.tools = [self._tool(tool, agent) for tool in agent.tools]
        durable.handoffs = [
            self._handoff(one) if isinstance(one, Handoff) else self.durable(one) for one in agent.handoffs
        ]
        if isinstance(agent.model, Model):
            durable.model = durable_model(agent.model, self.recording)
        durable.input_guardrails = self.guardrails(agent.input_guardrails)
        durable.output_guardrails = self.guardrails(agent.output_guardrails)
        if agent.mcp_servers:
            self._wrap_mcp(durable)
        return durable

    def _wrap_mcp(self, agent: Agent[Any]) -> None:
        found = agent.get_mcp_tools

        async def get_mcp_tools(context: Any) -> list[Any]:
            return [self._tool(tool, agent) for tool in await found(context)]

        object.__setattr__(agent, "get_mcp_tools", get_mcp_tools)

    def _tool(self, tool: Any, agent: Agent[Any]) -> Any:
        durable = self.tools.durable(tool, agent.name)
        if isinstance(durable, FunctionTool):
            durable.tool_input_guardrails = self.guardrails(durable.tool_input_guardrails)
            durable.tool_output_guardrails = self.guardrails(durable.tool_output_guardrails)
        return durable

    def _handoff(self, handoff: Handoff[Any, Any]) -> Handoff[Any, Any]:
        """The handoff, whose own function is called once: a replay goes to the agent without it."""
        invoke, known = handoff.on_invoke_handoff, handoff._agent_ref
        durable = copy.copy(handoff)

        async def once(context: Any, arguments: str) -> Any:
            found: list[Any] = []
            within = scope()
            number = self.recording.number(f"{within.path}handoff")
            name = step_name(within, f"handoff {handoff.tool_name} {number}")

            async def do() -> bool:
                found.append(await invoke(context, arguments))
                return True

            await self.recording.step(name, do)
            agent: Any = found[0] if found else known and known()
            if agent is None:
                # Made by hand, it has no other way to say which agent is meant.
                agent = await invoke(context, arguments)
            return self.durable(agent)

        durable.on_invoke_handoff = once
        return durable

    def guardrails(self, given: Sequence[Any] | None) -> list[Any]:
        """The guardrails, each of whose checks is made once."""
        return [replace(one, guardrail_function=self._check(one), name=one.get_name()) for one in given or ()]

    def _check(self, guardrail: Any) -> Any:
        name = guardrail.get_name()

        async def once(*args: Any) -> Any:
            within, what = scope(), f"guardrail {name}"
            if isinstance(args[0], ToolInputGuardrailData):
                # That of a tool is given what the tool is going to get: a person may have edited it.
                args = (replace(args[0], context=self.calls.edited(args[0].context)),)
                what = f"{what} {args[0].context.tool_call_id}"
            what = f"{what} {self.recording.number(within.path + what)}"
            token = current.set(within.inner(f"{what}."))

            async def do() -> Any:
                return _kept_check(await _checked(guardrail, args))

            try:
                return _check_of(await self.recording.step(step_name(within, what), do))
            finally:
                current.reset(token)

        return once


async def _checked(guardrail: Any, args: tuple[Any, ...]) -> Any:
    checked = guardrail.guardrail_function(*args)
    return await checked if inspect.isawaitable(checked) else checked


def _kept_check(checked: Any) -> Any:
    info = _ANY.dump_python(checked.output_info, mode="json", fallback=str)
    if isinstance(checked, ToolGuardrailFunctionOutput):
        return {"info": info, "behavior": dict(checked.behavior)}
    return {"info": info, "tripwire": bool(checked.tripwire_triggered)}


def _check_of(kept: Any) -> Any:
    if "behavior" in kept:
        return ToolGuardrailFunctionOutput(output_info=kept["info"], behavior=kept["behavior"])
    return GuardrailFunctionOutput(output_info=kept["info"], tripwire_triggered=kept["tripwire"])
