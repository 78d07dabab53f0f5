"""Responses of models, as JSON and back, and as the event with which a stream ends."""

from time import time
from typing import Any, cast

from agents import ModelResponse, Usage
from agents.items import TResponseOutputItem
from openai.types.responses import Response, ResponseCompletedEvent, ResponseUsage
from pydantic import BaseModel, TypeAdapter, ValidationError

_ITEM: TypeAdapter[Any] = TypeAdapter(TResponseOutputItem)
_USAGE = TypeAdapter(Usage)


def kept_response(response: ModelResponse) -> dict[str, Any]:
    """As JSON."""
    return {
        "output": [_dumped(item) for item in response.output],
        "usage": _USAGE.dump_python(response.usage, mode="json"),
        "response_id": response.response_id,
        "request_id": response.request_id,
    }


def response_of(kept: dict[str, Any]) -> ModelResponse:
    """What was kept. An item of a type that the SDK does not know stays as it is: the model may be newer."""
    usage = _USAGE.validate_python(kept["usage"])
    response = ModelResponse([], usage, kept["response_id"], kept["request_id"])
    response.output = cast(list[TResponseOutputItem], [_item(one) for one in kept["output"]])
    return response


def _dumped(item: Any) -> Any:
    return item.model_dump(mode="json", exclude_unset=True, warnings=False) if isinstance(item, BaseModel) else item


def _item(kept: Any) -> Any:
    try:
        return _ITEM.validate_python(kept)
    except ValidationError:
        return kept


def usage_of(usage: ResponseUsage | None) -> Usage:
    """What a streamed response used."""
    if usage is None:
        return Usage(requests=1)
    return Usage(
        requests=1,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        total_tokens=usage.total_tokens,
        input_tokens_details=usage.input_tokens_details,
        output_tokens_details=usage.output_tokens_details,
    )


def completed_event(response: ModelResponse) -> ResponseCompletedEvent:
    """The last event of the stream of a call that had this response."""
    usage = response.usage
    return ResponseCompletedEvent(
        type="response.completed",
        sequence_number=0,
        response=Response(
            id=response.response_id or "recorded",
            created_at=time(),
            model="recorded",
            object="response",
            output=response.output,
            tool_choice="auto",
            tools=[],
            parallel_tool_calls=True,
            usage=ResponseUsage(
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                total_tokens=usage.total_tokens,
                input_tokens_details=usage.input_tokens_details,
                output_tokens_details=usage.output_tokens_details,
            ),
        ),
    )
