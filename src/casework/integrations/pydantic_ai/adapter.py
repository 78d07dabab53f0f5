"""`durable`: an agent of pydantic-ai as an agent of casework."""

from collections.abc import AsyncIterable, Awaitable, Callable, Sequence
from typing import Any

from pydantic_ai import AgentStreamEvent, RunContext
from pydantic_ai.agent import AbstractAgent
from pydantic_ai.messages import PartDeltaEvent, PartStartEvent, TextPart, TextPartDelta, UserContent
from pydantic_ai.tools import DeferredToolRequests
from pydantic_ai.usage import UsageLimits
from pydantic_core import to_json

from casework.agents import Agent, Fail, HeldCase, Outcome, Request, Run, agent
from casework.integrations.awaiting import settled
from casework.integrations.current import working_for
from casework.integrations.outcomes import outcome_of
from casework.integrations.pydantic_ai.people import Customize, People
from casework.integrations.pydantic_ai.recorder import Conversation, Recorder

Prompt = str | Sequence[UserContent]


def completed(output: Any) -> Outcome:
    """The outcome of an output: an outcome is itself, any other value completes the case and is its reason."""
    return outcome_of(output, lambda value: to_json(value, fallback=repr).decode())


def _as_it_is(request: Request, _: Any) -> Request:
    return request


def durable(
    wrapped: AbstractAgent[Any, Any],
    *,
    prompt: Callable[[HeldCase], Prompt | Awaitable[Prompt]],
    deps: Callable[[HeldCase], Any] | None = None,
    output: Callable[[Any], Outcome] = completed,
    request: Customize = _as_it_is,
    usage_limits: UsageLimits | None = None,
    stream: bool = False,
) -> Agent:
    """An agent of pydantic-ai that outlives its process: create it with `casework agents create NAME --python module:name`.

    `prompt` makes the first message from the case. `deps` makes the dependencies, again in each attempt; both may be async.
    `output` makes the outcome of the case from the agent's output. `request` may change what people are asked about a
    call: its words, who may answer, when it expires. `usage_limits` count over all attempts and waits. With `stream`, the
    model's words are shown while they come.

    Each answer of the model is a step of the run, and so is each tool call that returned: neither is done again. Calls of
    tools that need an approval, or are deferred, become requests to people, those of one turn in one wait.
    """

    async def run_agent(run: Run) -> Outcome:
        conversation = Conversation(run)
        with working_for(run):
            try:
                with conversation.signals.enforced():
                    result = await _called(conversation)
            finally:
                await conversation.finished()
        return await _outcome(conversation, result)

    async def _called(conversation: Conversation) -> Any:
        case = conversation.run.case
        is_new, people = not conversation.history, People(conversation, request)
        done = await wrapped.run(
            await settled(prompt(case)) if is_new else None,
            message_history=conversation.history or None,
            deps=await settled(deps(case)) if deps else None,
            usage=conversation.usage,
            usage_limits=usage_limits,
            conversation_id=str(conversation.run.id),
            capabilities=[Recorder(conversation, people.result), people],
            event_stream_handler=_streaming(conversation) if stream else None,
        )
        return done.output

    async def _outcome(conversation: Conversation, result: Any) -> Outcome:
        await conversation.tell_unused(conversation.turn)
        if conversation.waiting or isinstance(result, DeferredToolRequests):
            names = ", ".join(sorted(set(conversation.waiting.values()))) or "a tool"
            return Fail(f"The agent gave its output beside calls that wait for people, which were dropped: {names}.")
        return output(result)

    run_agent.__name__ = wrapped.name or "agent"
    run_agent.__module__ = __name__
    return agent(run_agent)


def _streaming(
    conversation: Conversation,
) -> Callable[[RunContext[Any], AsyncIterable[AgentStreamEvent]], Awaitable[None]]:
    async def handle(_: RunContext[Any], events: AsyncIterable[AgentStreamEvent]) -> None:
        async for event in events:
            text = ""
            if isinstance(event, PartDeltaEvent) and isinstance(event.delta, TextPartDelta):
                text = event.delta.content_delta
            elif isinstance(event, PartStartEvent) and isinstance(event.part, TextPart):
                text = event.part.content
            if text:
                with conversation.signals.noted():
                    await settled(conversation.run.stream(text))

    return handle
