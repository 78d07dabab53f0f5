"""Agents of pydantic-ai for tests, on a model that plays a script."""

from collections import Counter

import pytest

pytest.importorskip("pydantic_ai")

from pydantic_ai import Agent
from pydantic_ai.messages import ModelRequest, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import FunctionModel

from casework.integrations.pydantic_ai import durable
from casework.testing import run_agent

SEVERAL = {"max_attempts": 50}


class Model:
    """Plays a list of answers: texts, and calls as (tool, arguments, id). It keeps what it was asked."""

    def __init__(self, *answers):
        self.answers = answers
        self.asked = []

    def __call__(self, messages, info):
        number = sum(isinstance(message, ModelResponse) for message in messages)
        self.asked.append((number, list(messages), info))
        answer = self.answers[number]
        given = [answer] if isinstance(answer, str | tuple) else answer
        parts = [TextPart(one) if isinstance(one, str) else ToolCallPart(*one) for one in given]
        return ModelResponse(parts=parts)

    @property
    def counts(self):
        return Counter(number for number, _, _ in self.asked)

    def told(self, number):
        """The results of tools that the model was told before its n-th answer."""
        messages = next(messages for asked, messages, _ in self.asked if asked == number)
        parts = [part for message in messages if isinstance(message, ModelRequest) for part in message.parts]
        return [part for part in parts if isinstance(part, ToolReturnPart)]


def an_agent(model, **options):
    return Agent(FunctionModel(model), **{"output_type": str, "name": "tester", **options})


def made(framework_agent, **options):
    return durable(framework_agent, **{"prompt": lambda case: case.title, **options})


def played(found, **options):
    return run_agent(found, **SEVERAL, **options)


def yes(request):
    return True


def pay() -> str:
    return "paid"
