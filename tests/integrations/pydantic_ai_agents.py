"""The agents of the conformance suite, in pydantic-ai."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_ai import Agent, CallDeferred, RunContext
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    UserPromptPart,
)
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, FunctionModel
from pydantic_ai.usage import RequestUsage, UsageLimits

from casework import OnExpiry, Request
from casework.agents import HeldCase
from casework.integrations.pydantic_ai import current_run, durable
from integrations.conformance import ledger_of, play, prompt_of, write

Context = RunContext[Path]


class Report(BaseModel):
    """The structured output."""

    summary: str


async def _of_script(messages: list[ModelMessage], info: AgentInfo) -> list[TextPart | ToolCallPart]:
    first = messages[0]
    assert isinstance(first, ModelRequest)
    prompt = next(part.content for part in first.parts if isinstance(part, UserPromptPart))
    assert isinstance(prompt, str)
    answer = await play(prompt, sum(isinstance(message, ModelResponse) for message in messages))
    parts: list[TextPart | ToolCallPart] = [TextPart(answer["text"])] if answer.get("text") else []
    parts += [ToolCallPart(one["tool"], one["arguments"], one["id"]) for one in answer["calls"]]
    if "output" in answer:
        parts.append(ToolCallPart(info.output_tools[0].name, answer["output"], "output"))
    return parts


async def _answers(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    parts = await _of_script(messages, info)
    return ModelResponse(parts=parts, usage=RequestUsage(input_tokens=10, output_tokens=5), model_name="script")


async def _streams(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | dict[int, DeltaToolCall]]:
    for number, part in enumerate(await _of_script(messages, info)):
        if isinstance(part, TextPart):
            for word in part.content.split(" "):
                yield f"{word} "
        else:
            yield {number: DeltaToolCall(part.tool_name, part.args_as_json_str(), tool_call_id=part.tool_call_id)}


def make(*, iban: bool = False, output: Any = str) -> Agent[Path, Any]:
    """The agent. `iban` is the change of its code."""
    agent = Agent(FunctionModel(_answers, stream_function=_streams), deps_type=Path, output_type=output, name="tester")

    @agent.tool
    def look(ctx: Context, what: str) -> str:
        write(ctx.deps, f"look {what}")
        return f"saw {what}"

    if iban:

        @agent.tool(name="pay", requires_approval=True)
        def pay_iban(ctx: Context, iban: str, amount: int) -> str:
            write(ctx.deps, f"pay {iban} {amount}")
            return f"paid {amount} to {iban}"

    else:

        @agent.tool(requires_approval=True)
        def pay(ctx: Context, to: str, amount: int) -> str:
            """Pay somebody."""
            write(ctx.deps, f"pay {to} {amount}")
            return f"paid {amount} to {to}"

    @agent.tool
    def question(ctx: Context, text: str) -> str:
        raise CallDeferred

    @agent.tool
    async def wait(ctx: Context, seconds: float) -> str:
        write(ctx.deps, "wait begins")
        await asyncio.sleep(seconds)
        write(ctx.deps, "wait ends")
        return "waited"

    @agent.tool
    def block(ctx: Context, seconds: float) -> str:
        write(ctx.deps, "block begins")
        time.sleep(seconds)
        write(ctx.deps, "block ends")
        return "blocked"

    @agent.tool
    def swallow(ctx: Context) -> str:
        try:
            current_run().check()
        except BaseException:
            return "swallowed"
        return "nothing to swallow"

    return agent


def _for_an_hour(request: Request, _: ToolCallPart) -> Request:
    return replace(request, expires="1h", on_expiry=OnExpiry.CONTINUE)


_bare = make()


async def bare(case: HeldCase) -> Any:
    """The agent by itself, for the benchmark."""
    return (await _bare.run(prompt_of(case), deps=ledger_of(case))).output


conforming = durable(make(), prompt=prompt_of, deps=ledger_of)
changed = durable(make(iban=True), prompt=prompt_of, deps=ledger_of)
limited = durable(make(), prompt=prompt_of, deps=ledger_of, usage_limits=UsageLimits(request_limit=3))
expiring = durable(make(), prompt=prompt_of, deps=ledger_of, request=_for_an_hour)
streaming = durable(make(), prompt=prompt_of, deps=ledger_of, stream=True)
reporting = durable(make(output=Report), prompt=prompt_of, deps=ledger_of)
