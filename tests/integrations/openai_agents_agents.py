"""The agents of the conformance suite, in the OpenAI Agents SDK."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from agents import (
    Agent,
    Model,
    ModelResponse,
    RunConfig,
    RunContextWrapper,
    Runner,
    ToolApprovalItem,
    Usage,
    function_tool,
)
from agents.testing import assistant_message, function_call
from openai.types.responses import ResponseTextDeltaEvent
from pydantic import BaseModel

from casework import OnExpiry, Request
from casework.agents import HeldCase
from casework.integrations.openai_agents import current_run, durable
from casework.integrations.openai_agents.responses import completed_event
from integrations.conformance import ledger_of, play, prompt_of, write

Context = RunContextWrapper[Path]


class Report(BaseModel):
    """The structured output."""

    summary: str


class Player(Model):
    """Plays the script of the case."""

    model = "script"

    async def get_response(self, system_instructions: Any, input: Any, *_: Any, **__: Any) -> ModelResponse:
        answer = await play(_prompt(input), _answers(input))
        output = [assistant_message(answer["text"])] if "text" in answer else []
        if "output" in answer:
            output = [assistant_message(json.dumps(answer["output"]))]
        output += [function_call(one["tool"], one["arguments"], call_id=one["id"]) for one in answer["calls"]]
        usage = Usage(requests=1, input_tokens=10, output_tokens=5, total_tokens=15)
        return ModelResponse(output=output, usage=usage, response_id=None)

    async def stream_response(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        response = await self.get_response(*args, **kwargs)
        texts = [part.text for item in response.output for part in getattr(item, "content", ())]
        for word in " ".join(texts).split():
            yield ResponseTextDeltaEvent(
                type="response.output_text.delta",
                content_index=0,
                delta=f"{word} ",
                item_id="1",
                logprobs=[],
                output_index=0,
                sequence_number=0,
            )
        yield completed_event(response)


def _prompt(given: Any) -> str:
    text = given if isinstance(given, str) else given[0]["content"]
    assert isinstance(text, str)
    return text


def _answers(given: Any) -> int:
    """How many answers of the model's the conversation holds: its items without a result in between."""
    number, own = 0, False
    for item in [] if isinstance(given, str) else given:
        was, own = own, item.get("type") == "function_call" or item.get("role") == "assistant"
        number += own and not was
    return number


def make(*, iban: bool = False, output: Any = None) -> Agent[Path]:
    """The agent. `iban` is the change of its code."""

    @function_tool
    async def look(context: Context, what: str) -> str:
        write(context.context, f"look {what}")
        return f"saw {what}"

    @function_tool(name_override="pay", needs_approval=True)
    async def pay_iban(context: Context, iban: str, amount: int) -> str:
        write(context.context, f"pay {iban} {amount}")
        return f"paid {amount} to {iban}"

    @function_tool(needs_approval=True)
    async def pay(context: Context, to: str, amount: int) -> str:
        """Pay somebody."""
        write(context.context, f"pay {to} {amount}")
        return f"paid {amount} to {to}"

    @function_tool(needs_approval=True)
    async def question(text: str) -> str:
        return "a person answers"

    @function_tool
    async def wait(context: Context, seconds: float) -> str:
        write(context.context, "wait begins")
        await asyncio.sleep(seconds)
        write(context.context, "wait ends")
        return "waited"

    @function_tool
    def block(context: Context, seconds: float) -> str:
        write(context.context, "block begins")
        time.sleep(seconds)
        write(context.context, "block ends")
        return "blocked"

    @function_tool
    def swallow() -> str:
        try:
            current_run().check()
        except BaseException:
            return "swallowed"
        return "nothing to swallow"

    tools: list[Any] = [look, pay_iban if iban else pay, question, wait, block, swallow]
    return Agent(name="tester", model=Player(), tools=tools, output_type=output)


def _asking(request: Request, call: ToolApprovalItem) -> Request:
    """The calls of `question` ask what they say."""
    if call.name == "question" and request.action:
        return Request(title=str(request.action.arguments["text"]))
    return request


def _for_an_hour(request: Request, _: ToolApprovalItem) -> Request:
    return replace(request, expires="1h", on_expiry=OnExpiry.CONTINUE)


conforming = durable(make(), input=prompt_of, context=ledger_of, request=_asking)
changed = durable(make(iban=True), input=prompt_of, context=ledger_of)
limited = durable(make(), input=prompt_of, context=ledger_of, max_turns=3)
expiring = durable(make(), input=prompt_of, context=ledger_of, request=_for_an_hour)
streaming = durable(make(), input=prompt_of, context=ledger_of, stream=True)
reporting = durable(make(output=Report), input=prompt_of, context=ledger_of)


async def bare(case: HeldCase) -> None:
    """The agent without casework, for the benchmark."""
    config = RunConfig(tracing_disabled=True)
    await Runner.run(make(), prompt_of(case), context=ledger_of(case), max_turns=10, run_config=config)
