"""Calls that need a person's decision: from the SDK's interruptions to requests, and from the answers back."""

import copy
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agents import FunctionTool, RunState, ToolApprovalItem

from casework.core.model import RequestKind
from casework.core.requests import Action, Answer, Decision, Request
from casework.integrations.openai_agents.recording import Recording, digest

EXPIRED = "Nobody has decided about this call in time, so it was not made."
REJECTED = "A person has rejected this call, so it was not made."

SHOWN_OF_ID = 100

Adapt = Callable[[Request], Request]


def call_key(call_id: str, tool: str, arguments: str) -> str:
    """What an answer belongs to: the call by its id and its content."""
    return _key_of(call_id, tool, _parsed(arguments))


class Calls:
    """What is known of the calls that people decide about, in one attempt."""

    def __init__(self, recording: Recording, adapt: Adapt | None = None) -> None:
        self._recording, self._adapt = recording, adapt
        self._schemas: dict[str, Mapping[str, Any]] = {}
        self._replaced: dict[str, str] = {}
        self._responses: dict[str, str] = {}
        kept = [step.value for step in recording.run.history.steps.values() if isinstance(step.value, dict)]
        self._asked = {one["asked"] for one in kept if "asked" in one}
        self._made = {one["call"] for one in kept if "call" in one}

    def know(self, tool: FunctionTool) -> None:
        """Remember the schema of a tool's arguments. A call that a person was asked about needs an approval also if newer
        code says that it needs none: the answer may have been no."""
        self._schemas[tool.name] = tool.params_json_schema
        needs = tool.needs_approval
        if needs is True or not self._asked:
            return

        async def needs_approval(context: Any, arguments: dict[str, Any], call_id: str) -> bool:
            if _key_of(call_id, tool.name, arguments) in self._asked:
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

    def response(self, key: str) -> str | None:
        """The text that a person gave as the result of the call."""
        return self._responses.get(key)

    async def decide(self, state: RunState[Any, Any], items: Sequence[ToolApprovalItem]) -> None:
        """Give each call that waits its decision. Raises Suspended while one is missing."""
        keys = [_key(item) for item in items]
        open_ = [(item, key) for item, key in zip(items, keys, strict=True) if key not in self._made]
        repeated, answers = Counter(keys), dict[int, Answer]()
        if open_:
            requests = self._requests(open_, repeated)
            for _, key in open_:
                await self._recording.step(f"asked {key}", lambda key=key: _immediately({"asked": key}))
            with self._recording.noting():
                given = self._recording.run.request_all(requests)
            answers = {id(item): answer for (item, _), answer in zip(open_, given, strict=True)}
        for item, key in zip(items, keys, strict=True):
            self._apply(state, item, key, answers.get(id(item)))

    def _requests(self, items: Sequence[tuple[ToolApprovalItem, str]], repeated: Counter[str]) -> list[Request]:
        seen: Counter[str] = Counter()
        requests = []
        for item, key in items:
            seen[key] += 1
            request = self._request(item, key if seen[key] == 1 else f"{key} {seen[key]}", repeated[key] == 1)
            requests.append(self._adapt(request) if self._adapt else request)
        return requests

    def _request(self, item: ToolApprovalItem, key: str, is_single: bool) -> Request:
        name, arguments = item.qualified_name or item.name or "a tool", _parsed(item.arguments or "{}")
        decisions = [Decision.APPROVE, Decision.REJECT]
        is_function = getattr(item.raw_item, "type", None) == "function_call" and isinstance(arguments, dict)
        if is_function and is_single:
            decisions = [Decision.APPROVE, Decision.EDIT, Decision.REJECT, Decision.RESPOND]
        schema = self._schemas.get(item.name or "") if is_function else None
        action = Action(
            name=name, arguments=arguments if isinstance(arguments, dict) else {"input": arguments}, schema=schema
        )
        return Request(
            kind=RequestKind.APPROVAL,
            title=f"{item.agent.name}: {name}",
            action=action,
            decisions=decisions,
            key=key,
        )

    def _apply(self, state: RunState[Any, Any], item: ToolApprovalItem, key: str, answer: Answer | None) -> None:
        """No answer: the call was made, in an attempt or a run before."""
        match answer.decision if answer else Decision.APPROVE:
            case Decision.REJECT:
                assert answer is not None
                state.reject(item, rejection_message=answer.message or REJECTED)
                return
            case Decision.EXPIRED:
                state.reject(item, rejection_message=EXPIRED)
                return
            case Decision.EDIT:
                assert answer is not None
                self._replaced[key] = json.dumps(answer.arguments, ensure_ascii=False)
            case Decision.RESPOND:
                assert answer is not None
                self._responses[key] = str(answer.message if answer.value is None else answer.value)
        state.approve(item)


async def _immediately(value: Any) -> Any:
    return value


def _key_of(call_id: str, tool: str, arguments: Any) -> str:
    return f"{call_id[:SHOWN_OF_ID]} {digest([call_id, tool, arguments])}"


def _key(item: ToolApprovalItem) -> str:
    return call_key(item.call_id or "", item.name or "", item.arguments or "{}")


def _parsed(arguments: str) -> Any:
    try:
        return json.loads(arguments) if arguments else {}
    except ValueError:
        return arguments
