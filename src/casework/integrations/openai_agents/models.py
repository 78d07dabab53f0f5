"""Models whose finished calls are steps: a call that was paid for is not made again."""

from collections.abc import AsyncIterator
from typing import Any

from agents import Model, ModelBehaviorError, ModelProvider, ModelResponse
from agents.items import ItemHelpers
from openai.types.responses import (
    ResponseCompletedEvent,
    ResponseOutputItemDoneEvent,
    ResponseOutputMessage,
    ResponseTextDeltaEvent,
)

from casework.core.payload import storable
from casework.errors import Transient
from casework.integrations.awaiting import settled
from casework.integrations.openai_agents.recording import Recording, digest, scope, step_name, unordered
from casework.integrations.openai_agents.responses import completed_event, kept_response, response_of, usage_of

_FAILED = ("response.incomplete", "response.failed", "response.error", "error")

MAX_SHOWN = 1000


class DurableModel(Model):
    """Calls a model once for each call of a run."""

    def __init__(self, inner: Model, recording: Recording) -> None:
        self._inner, self._recording = inner, recording

    async def get_response(self, *args: Any, **kwargs: Any) -> ModelResponse:
        if self._recording.stream:
            return await self._recorded(args, kwargs, lambda: self._streamed(args, kwargs))
        return await self._recorded(args, kwargs, lambda: self._inner.get_response(*args, **kwargs))

    async def stream_response(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        """The events of the call. What is recorded comes as its last event only."""
        events: list[Any] = []

        async def call() -> ModelResponse:
            return await self._streamed(args, kwargs, events)

        response = await self._recorded(args, kwargs, call)
        for event in events or [completed_event(response)]:
            yield event

    async def close(self) -> None:
        await self._inner.close()

    def get_retry_advice(self, request: Any) -> Any:
        return self._inner.get_retry_advice(request)

    async def _cleanup_on_run_end(self, owner: object) -> None:
        await self._inner._cleanup_on_run_end(owner)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            # Before it is initialized, a copy has no inner model to ask.
            raise AttributeError(name)
        return getattr(self._inner, name)

    async def _recorded(self, args: Any, kwargs: Any, call: Any) -> ModelResponse:
        within, recording = scope(), self._recording
        recording.check()
        instructions, items = _request(args, kwargs)
        asked = {"input": digest(unordered(items)), "instructions": digest(instructions)}
        counted = f"{within.path}model"
        number = recording.counts[counted] + 1
        name = step_name(within, f"model {number}")

        async def do() -> Any:
            recording.is_live = True
            return {**asked, "response": kept_response(await call())}

        async def tell(kept: Any) -> None:
            await _notice_changes(recording, name, asked, kept)
            await self._tell(name, response_of(kept["response"]))

        kept = await recording.step(name, do, tell)
        # A call that raised may be made again by the SDK, as the same one.
        recording.counts[counted] = number
        return response_of(kept["response"])

    async def _tell(self, name: str, response: ModelResponse) -> None:
        """Count what was used, and record what was said."""
        run, usage, model = self._recording.run, response.usage, getattr(self._inner, "model", None)
        await settled(
            run.usage(
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                requests=usage.requests or 1,
                model=model if isinstance(model, str) and model else None,
                key=name,
            )
        )
        for place, text in enumerate(_texts(response), 1):
            await settled(run.say(text, key=f"{name}: {place}"))

    async def _streamed(self, args: Any, kwargs: Any, events: list[Any] | None = None) -> ModelResponse:
        items: list[Any] = []
        async for event in self._inner.stream_response(*args, **kwargs):
            if events is not None:
                events.append(event)
            kind = getattr(event, "type", None)
            if isinstance(event, ResponseTextDeltaEvent):
                await self._recording.tell(self._recording.run.stream(event.delta))
            elif isinstance(event, ResponseOutputItemDoneEvent):
                items.append(event.item)
            elif isinstance(event, ResponseCompletedEvent):
                done = event.response
                # Some services give the items only one by one.
                return ModelResponse(output=done.output or items, usage=usage_of(done.usage), response_id=done.id)
            elif kind in _FAILED:
                raise ModelBehaviorError(f"The model's stream ended with {kind}: {storable(repr(event))[:MAX_SHOWN]}")
        raise Transient("The model's stream ended before its response was complete.")


class DurableProvider(ModelProvider):
    """Finds models by name, and makes them durable."""

    def __init__(self, inner: ModelProvider, recording: Recording) -> None:
        self._inner, self._recording = inner, recording

    def get_model(self, model_name: str | None) -> Model:
        return durable_model(self._inner.get_model(model_name), self._recording)

    async def aclose(self) -> None:
        await self._inner.aclose()


def durable_model(model: Model, recording: Recording) -> Model:
    return model if isinstance(model, DurableModel) else DurableModel(model, recording)


def _request(args: Any, kwargs: Any) -> tuple[Any, Any]:
    """The instructions and the input of a call, whichever way they were given."""
    given = dict(zip(("system_instructions", "input"), args, strict=False)) | kwargs
    return given.get("system_instructions"), given.get("input")


async def _notice_changes(recording: Recording, name: str, asked: dict[str, str], kept: Any) -> None:
    for what, value in asked.items():
        if kept[what] != value:
            await recording.notice(
                f"The call {name!r} would be made with other {what} now: the code has changed since. Its recorded response is "
                "used."
            )


def _texts(response: ModelResponse) -> list[str]:
    messages = [item for item in response.output if isinstance(item, ResponseOutputMessage)]
    return [text for item in messages if (text := ItemHelpers.extract_text(item))]
