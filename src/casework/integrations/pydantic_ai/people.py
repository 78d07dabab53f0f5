"""From tool calls that wait for people to casework's requests, and from the answers to the calls' results."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic_ai import RunContext
from pydantic_ai.capabilities import AbstractCapability, CapabilityOrdering
from pydantic_ai.exceptions import ToolFailed
from pydantic_ai.messages import ToolCallPart
from pydantic_ai.tools import (
    DeferredToolRequests,
    DeferredToolResults,
    ToolApproved,
    ToolDefinition,
    ToolDenied,
)

from casework.agents import Action, Answer, Decision, Request
from casework.core.model import RequestKind
from casework.integrations.awaiting import settled
from casework.integrations.calls import shown_call
from casework.integrations.pydantic_ai.kept import digest
from casework.integrations.pydantic_ai.recorder import Conversation, request_key

Customize = Callable[[Request, ToolCallPart], Request]

DENIED = "The tool call was denied."
UNANSWERED = "Nobody has answered in time."

_FROM_METADATA = (
    "title",
    "description",
    "options",
    "schema",
    "decisions",
    "assignees",
    "approvals",
    "expires",
    "on_expiry",
    "default",
    "postpone_for",
    "remind",
)
"""What a tool may say about its request, as in `ApprovalRequired(metadata={"expires": "2h"})`."""


@dataclass
class People(AbstractCapability[Any]):
    """Asks people about the calls of one turn, in one wait. What other capabilities answer does not get here."""

    conversation: Conversation
    customize: Customize

    def get_ordering(self) -> CapabilityOrdering:
        return CapabilityOrdering(position="innermost")

    async def handle_deferred_tool_calls(
        self,
        ctx: RunContext[Any],  # noqa: ARG002 - the hook has both
        *,
        requests: DeferredToolRequests,
    ) -> DeferredToolResults:
        with self.conversation.signals.noted():
            return await self._answered(requests)

    async def result(self, call: ToolCallPart, metadata: dict[str, Any]) -> Any:
        """Ask for the result of a single call. Raises ToolFailed if it was refused."""
        id = call.tool_call_id
        answered = await self._answered(DeferredToolRequests(calls=[call], metadata={id: metadata}))
        if isinstance(found := answered.calls[id], ToolFailed):
            raise found
        return found

    async def _answered(self, requests: DeferredToolRequests) -> DeferredToolResults:
        calls = [*requests.approvals, *requests.calls]
        asked = [self._request(call, requests, approves=call in requests.approvals) for call in calls]
        self.conversation.asked.update(one.key for one in asked if one.key)
        await self.conversation.tell_unused(self.conversation.turn)
        answers = await settled(self.conversation.run.request_all(asked))
        results = DeferredToolResults(metadata={name: dict(one) for name, one in requests.metadata.items()})
        for call, one, answer in zip(calls, asked, answers, strict=True):
            self.conversation.waiting.pop(call.tool_call_id, None)
            if one.kind is RequestKind.APPROVAL:
                results.approvals[call.tool_call_id] = self._verdict(call, answer)
            else:
                results.calls[call.tool_call_id] = _value(answer)
        return results

    def _verdict(self, call: ToolCallPart, answer: Answer) -> ToolApproved | ToolDenied:
        match answer.decision:
            case Decision.EDIT:
                return ToolApproved(override_args=dict(answer.arguments or {}))
            case Decision.REJECT:
                return ToolDenied(answer.message or DENIED)
            case Decision.EXPIRED:
                return ToolDenied(UNANSWERED)
            case Decision.RESPOND:
                # In place of the tool: the recorder gives it as the result.
                self.conversation.said[call.tool_call_id] = answer.value
        return ToolApproved()

    def _request(self, call: ToolCallPart, requests: DeferredToolRequests, *, approves: bool) -> Request:
        metadata = requests.metadata.get(call.tool_call_id, {})
        tool = self.conversation.tools.get(call.tool_name)
        given = {name: metadata[name] for name in _FROM_METADATA if name in metadata}
        usual = _approval(call, tool, given) if approves else _question(call, tool, given)
        request = self.customize(Request(**{**usual, **given}), call)
        # The content is in the key: what was answered is what is done.
        content = digest([call.tool_call_id, call.tool_name, request.content])
        return replace(request, key=request_key(self.conversation.turn, content))


def _approval(call: ToolCallPart, tool: ToolDefinition | None, given: Mapping[str, Any]) -> dict[str, Any]:
    arguments = call.args_as_dict()
    edits = [] if given.get("approvals", 1) > 1 else [Decision.EDIT]
    return {
        "kind": RequestKind.APPROVAL,
        "title": shown_call(call.tool_name, arguments),
        "description": tool.description if tool else None,
        "action": Action(
            name=call.tool_name, arguments=arguments, schema=tool.parameters_json_schema if tool else None
        ),
        "decisions": [Decision.APPROVE, *edits, Decision.REJECT, Decision.RESPOND],
    }


def _question(call: ToolCallPart, tool: ToolDefinition | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """The question is the call's only text, as in `ask(question="Which colour?")`; else the call itself is."""
    arguments = call.args_as_dict()
    texts = [value for value in arguments.values() if isinstance(value, str) and value]
    plain = len(arguments) == len(texts) == 1
    return {
        "kind": RequestKind.FORM if "schema" in given else RequestKind.QUESTION,
        "title": texts[0] if plain else shown_call(call.tool_name, arguments),
        "description": tool.description if tool else None,
        "action": None if plain else Action(name=call.tool_name, arguments=arguments),
        "decisions": [Decision.RESPOND, Decision.REJECT],
    }


def _value(answer: Answer) -> Any:
    match answer.decision:
        case Decision.RESPOND:
            return answer.value
        case Decision.EXPIRED:
            return ToolFailed(UNANSWERED)
        case _:
            return ToolFailed(answer.message or DENIED)
