"""A tool with which a model asks a person."""

from typing import Any

from agents import FunctionTool

from casework.core.model import RequestKind
from casework.core.requests import Request

_DESCRIPTION = "Ask a person a question, and get the answer. Only for what no other tool can find out."


class QuestionTool(FunctionTool):
    """Its calls become questions to people, whose answers are what the model gets."""

    def request(self, arguments: dict[str, Any], key: str) -> Request:
        """The question of a call."""
        return Request(
            kind=RequestKind.QUESTION,
            title=str(arguments.get("question") or "The model asks without words."),
            options=[str(one) for one in arguments.get("options") or ()],
            key=key,
        )


def question_tool(name: str = "ask_person", description: str = _DESCRIPTION) -> FunctionTool:
    """A tool for an agent's `tools`, with which its model asks a person: it has the arguments `question` and, optionally,
    `options`. The run waits, and the answer is the result of the call."""
    return QuestionTool(
        name=name,
        description=description,
        params_json_schema={
            "type": "object",
            "properties": {
                "question": {"type": "string"},
                "options": {"type": "array", "items": {"type": "string"}, "description": "The only possible answers."},
            },
            "required": ["question"],
            "additionalProperties": False,
        },
        on_invoke_tool=_unasked,
        strict_json_schema=False,
        needs_approval=True,
    )


async def _unasked(_: Any, arguments: str) -> str:
    return f"Nobody was asked: a question is answered by a person, outside of this program (got {arguments})."
