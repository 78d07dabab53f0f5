"""Calls that need a person's decision: from the SDK's interruptions to requests, and from the answers back."""

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agents import FunctionTool, RunState, ToolApprovalItem

from casework.core.model import RequestKind
from casework.core.requests import MAX_GROUP, Action, Answer, Decision, Request
from casework.errors import InvalidInput
from casework.integrations.calls import shown_call
from casework.integrations.openai_agents.questions import QuestionTool
from casework.integrations.openai_agents.recording import Recording, digest, parsed, storable_json

EXPIRED = "Nobody has decided about this call in time, so it was not made."
REJECTED = "A person has rejected this call, so it was not made."

SHOWN_OF_ID = 100

Customize = Callable[[Request, ToolApprovalItem], Request]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call that waits for a decision."""

    item: ToolApprovalItem
    call: str
    key: str


def call_key(call_id: str, tool: str, arguments: str) -> str:
    """What an answer belongs to: the call by its id and its content."""
    return _key_of(call_id, tool, parsed(arguments))


class Calls:
    """What is known of the calls that people decide about, in one attempt."""

    def __init__(self, recording: Recording, customize: Customize | None = None) -> None:
        self._recording, self._customize = recording, customize
        self._tools: dict[str, FunctionTool] = {}
        self._replaced: dict[str, str] = {}
        self._responses: dict[str, str] = {}
        kept = [step.value for step in recording.run.history.steps.values() if isinstance(step.value, dict)]
        self._made = {one["call"] for one in kept if "call" in one}

    @property
    def _asked(self) -> dict[str, dict[str, str]]:
        """The requests that were made, by their calls: the key of each, and the name of the tool."""
        asked: dict[str, dict[str, str]] = self._recording.kept.get("asked", {})
        return asked

    def know(self, tool: FunctionTool) -> None:
        """Remember the tool. A call of it that a person was asked about needs an approval also if newer code says that it
        needs none: the answer may have been no."""
        self._tools[tool.name] = tool
        needs = tool.needs_approval
        if needs is True or not any(one["tool"] == tool.name for one in self._asked.values()):
            return

        async def needs_approval(context: Any, arguments: dict[str, Any], call_id: str) -> bool:
            if _key_of(call_id, tool.name, storable_json(arguments)) in self._asked:
                return True
            return bool(needs and await needs(context, arguments, call_id))

        tool.needs_approval = needs_approval

    def edited(self, context: Any) -> Any:
        """The context of a call, with the arguments that a person gave it instead of the model's, if one did."""
        arguments = self._replaced.get(call_key(context.tool_call_id, context.tool_name, context.tool_arguments))
        if arguments is None:
            return context
        context = copy.copy(context)
        context.tool_arguments = arguments
        return context

    def response(self, call: str) -> str | None:
        """The text that a person gave as the result of the call."""
        return self._responses.get(call)

    async def decide(self, state: RunState[Any, Any], items: Sequence[ToolApprovalItem]) -> None:
        """Give each call that waits its decision. Raises Suspended while one is missing."""
        waiting = self._waiting(items)
        open_ = [one for one in waiting if one.call not in self._made]
        if any(self._key_before(one) != one.key for one in open_):
            await self._remember(open_)
        requests = [self._request(one) for one in open_]
        answers: dict[str, Answer] = {}
        for first in range(0, len(requests), MAX_GROUP):
            group = requests[first : first + MAX_GROUP]
            given = await self._recording.ask(group)
            answers |= {one.key: answer for one, answer in zip(open_[first:], given, strict=False)}
        for one in waiting:
            await self._apply(state, one, answers.get(one.key))

    def _waiting(self, items: Sequence[ToolApprovalItem]) -> list[Waiting]:
        """The calls. Raises InvalidInput for two that an answer could not tell apart; nor could the SDK."""
        waiting: dict[str, Waiting] = {}
        for item in items:
            call = call_key(item.call_id or "", item.name or "", item.arguments or "{}")
            if call in waiting:
                raise InvalidInput(
                    f"The model made two calls of {item.name!r} with one id, {item.call_id!r}, and the same arguments: an "
                    "answer can go to only one of them."
                )
            tool = self._tool(item)
            schema = _without_words(tool.params_json_schema) if tool else None
            waiting[call] = Waiting(item, call, f"{call} {digest(schema)}")
        return [*waiting.values()]

    async def _remember(self, waiting: Sequence[Waiting]) -> None:
        """Keep what people are asked. If a tool's arguments have another schema since, they are asked again."""
        for one in waiting:
            if self._key_before(one) not in (None, one.key):
                await self._recording.notice(
                    f"The arguments of the tool {one.item.name!r} have another schema than when a person was asked about "
                    "this call, so that answer is not used: the person is asked again."
                )
        asked = {one.call: {"key": one.key, "tool": one.item.name or ""} for one in waiting}
        await self._recording.keep(asked={**self._asked, **asked})

    def _key_before(self, one: Waiting) -> str | None:
        """The key of the request that was made about the call; None if there was none."""
        return self._asked[one.call]["key"] if one.call in self._asked else None

    def _tool(self, item: ToolApprovalItem) -> FunctionTool | None:
        """The tool of a call: its agent's, or one that a server of its agent has."""
        own = (tool for tool in item.agent.tools if isinstance(tool, FunctionTool) and tool.name == item.name)
        return next(own, self._tools.get(item.name or ""))

    def _request(self, one: Waiting) -> Request:
        item = one.item
        name, arguments = item.qualified_name or item.name or "a tool", parsed(item.arguments or "{}")
        is_function = getattr(item.raw_item, "type", None) == "function_call" and isinstance(arguments, dict)
        tool = self._tool(item) if is_function else None
        if isinstance(tool, QuestionTool):
            return self._customized(tool.request(arguments, one.key), one)
        decisions = [Decision.APPROVE, Decision.REJECT]
        if is_function:
            decisions = [Decision.APPROVE, Decision.EDIT, Decision.REJECT, Decision.RESPOND]
        action = Action(
            name=name,
            arguments=arguments if isinstance(arguments, dict) else {"input": arguments},
            schema=tool.params_json_schema if tool else None,
        )
        usual = Request(
            kind=RequestKind.APPROVAL,
            title=shown_call(name, action.arguments),
            description=tool.description if tool and tool.description else None,
            action=action,
            decisions=decisions,
            key=one.key,
        )
        return self._customized(usual, one)

    def _customized(self, request: Request, one: Waiting) -> Request:
        """As the author wants it. Its key, which ties the answer to the call, stays."""
        return replace(self._customize(request, one.item), key=one.key) if self._customize else request

    async def _apply(self, state: RunState[Any, Any], one: Waiting, answer: Answer | None) -> None:
        """No answer: the call was made, in an attempt or a run before."""
        if answer and answer.decision in (Decision.REJECT, Decision.EXPIRED):
            message = EXPIRED if answer.decision is Decision.EXPIRED else answer.message or REJECTED
            state.reject(one.item, rejection_message=message)
            arguments = parsed(one.item.arguments)
            run = self._recording.run
            await self._recording.tell(run.tool(one.item.name, arguments, error=message, key=f"rejected {one.call}"))
            return
        if answer and answer.decision is Decision.EDIT:
            self._replaced[one.call] = json.dumps(answer.arguments, ensure_ascii=False)
        elif answer and answer.decision is Decision.RESPOND:
            self._responses[one.call] = answer.value if isinstance(answer.value, str) else json.dumps(answer.value)
        state.approve(one.item)


def _key_of(call_id: str, tool: str, arguments: Any) -> str:
    return f"{call_id[:SHOWN_OF_ID]} {digest([call_id, tool, arguments])}"


def _without_words(schema: Any) -> Any:
    """The schema without what only explains it."""
    if isinstance(schema, dict):
        words = ("title", "description")
        return {
            name: _without_words(value)
            for name, value in schema.items()
            if not (name in words and isinstance(value, str))
        }
    return [_without_words(one) for one in schema] if isinstance(schema, list) else schema
