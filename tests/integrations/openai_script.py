"""Agents of the OpenAI Agents SDK for tests, on a model that plays a script: no network, no key."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from agents import Agent, Model, ModelResponse, Usage, function_tool
from agents.testing import assistant_message, function_call
from openai.types.responses import ResponseTextDeltaEvent

from casework.integrations.openai_agents import durable
from casework.integrations.openai_agents.responses import completed_event
from casework.testing import run_agent


def call(tool: str, id: str, /, **arguments: Any) -> Any:
    """A tool call of the model's."""
    return function_call(tool, arguments, call_id=id)


def says(text: str) -> Any:
    """A text of the model's."""
    return assistant_message(text)


class Script(Model):
    """Plays its answers in their order. Which is next, it learns from the conversation that it is given."""

    model = "script"

    def __init__(self, *answers: Any, seconds: float = 0.0) -> None:
        self.answers = [one if isinstance(one, list) else [one] for one in answers]
        self.seconds = seconds
        self.inputs: list[Any] = []
        """What it was given, call by call."""
        self.began = asyncio.Event()

    @property
    def calls(self) -> int:
        return len(self.inputs)

    async def get_response(self, system_instructions: Any, input: Any, *_: Any, **__: Any) -> ModelResponse:
        self.inputs.append(input)
        self.began.set()
        await asyncio.sleep(self.seconds)
        answer = self.answers[_answered(input)]
        if isinstance(answer[0], Exception):
            raise answer[0]
        usage = Usage(requests=1, input_tokens=10, output_tokens=5, total_tokens=15)
        return ModelResponse(output=answer, usage=usage, response_id=None)

    async def stream_response(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        response = await self.get_response(*args, **kwargs)
        for item in response.output:
            for part in getattr(item, "content", ()):
                for word in part.text.split(" "):
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


_OWN = ("function_call", "custom_tool_call", "mcp_approval_request")


def _answered(given: Any) -> int:
    """How many answers of its own the conversation holds: what it said or called without anything in between."""
    number, own = 0, False
    for item in [] if isinstance(given, str) else given:
        was, own = own, item.get("type") in _OWN or item.get("role") == "assistant"
        number += own and not was
    return number


def outputs(model: Script) -> dict[str, str]:
    """What the model was told last about each of its calls."""
    return {one["call_id"]: one["output"] for one in model.inputs[-1] if one.get("type") == "function_call_output"}


def notices(result: Any) -> list[str]:
    """What people were told about the run."""
    return [one.content["text"] for one in result.messages if one.type == "notice"]


def made(*answers, tools=(), **of_agent):
    return Agent(name="clerk", model=Script(*answers), tools=list(tools), **of_agent)


def run(agent, answers=lambda request: True, how=None, **options):
    return run_agent(durable(agent, **{"input": lambda case: "hi", **options}), answers=answers, **(how or {}))


def run_with(tools, *answers, **options):
    model = Script(*answers)
    agent = Agent(name="clerk", model=model, tools=tools, **options)
    return model, run_agent(durable(agent, input=lambda case: "hi"), answers=lambda request: True)


@function_tool(needs_approval=True)
async def pause() -> str:
    """A wait in the turn, so that everything in it is replayed."""
    return "gone on"
