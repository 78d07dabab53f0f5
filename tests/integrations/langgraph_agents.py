"""The agents of the conformance suite, in LangGraph."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, ToolRuntime
from langgraph.types import Send, interrupt

from casework.integrations.langgraph import current_run, durable
from integrations.conformance import ledger_of, play, prompt_of, write

Runtime = ToolRuntime[Path]


class Scripted(BaseChatModel):
    """The model."""

    @property
    def _llm_type(self) -> str:
        return "script"

    def _generate(self, *_: Any, **__: Any) -> ChatResult:
        raise AssertionError("it is called with ainvoke")

    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=await _answer(messages))])

    async def _astream(self, messages: list[BaseMessage], *_: Any, **__: Any) -> AsyncIterator[ChatGenerationChunk]:
        answer = await _answer(messages)
        for word in str(answer.text).split():
            yield ChatGenerationChunk(message=AIMessageChunk(f"{word} "))
        last = AIMessageChunk(
            "",
            tool_calls=answer.tool_calls,
            usage_metadata=answer.usage_metadata,
            response_metadata=answer.response_metadata,
        )
        yield ChatGenerationChunk(message=last)


async def _answer(messages: list[BaseMessage]) -> AIMessage:
    prompt = messages[0].content
    assert isinstance(prompt, str)
    answer = await play(prompt, sum(isinstance(message, AIMessage) for message in messages))
    made = [{"name": one["tool"], "args": one["arguments"], "id": one["id"]} for one in answer["calls"]]
    return AIMessage(
        answer.get("text") or "",
        tool_calls=made,
        usage_metadata={"input_tokens": 10, "output_tokens": 5, "total_tokens": 15},
        response_metadata={"model_name": "script"},
    )


@tool
def look(what: str, runtime: Runtime) -> str:
    """Look at something."""
    write(runtime.context, f"look {what}")
    return f"saw {what}"


def paying(**more: Any) -> Any:
    @tool
    def pay(to: str, amount: int, runtime: Runtime) -> str:
        """Pay somebody."""
        return _approved(runtime, {"to": to, "amount": amount}, more)

    return pay


@tool("pay")
def pay_iban(iban: str, amount: int, runtime: Runtime) -> str:
    """Pay somebody."""
    return _approved(runtime, {"iban": iban, "amount": amount}, {})


def _approved(runtime: Runtime, arguments: dict[str, Any], more: Mapping[str, Any]) -> str:
    """Pay if a person approves, as that person has edited it."""
    names = {name: {"type": "integer" if name == "amount" else "string"} for name in arguments}
    schema = {"type": "object", "properties": names}
    answer = interrupt(
        {
            "title": "Run the tool pay?",
            "action": {"name": "pay", "arguments": arguments, "schema": schema},
            "decisions": ["approve", "edit", "reject", "respond"],
            **more,
        }
    )
    if answer["arguments"] is None:
        return str(answer["value"]) if answer["decision"] == "respond" else f"Not done: {answer['message']}"
    to, amount = answer["arguments"].values()
    write(runtime.context, f"pay {to} {amount}")
    return f"paid {amount} to {to}"


@tool
def question(text: str) -> str:
    """Ask a person."""
    return str(interrupt(text))


@tool
async def wait(seconds: float, runtime: Runtime) -> str:
    """Wait."""
    write(runtime.context, "wait begins")
    await asyncio.sleep(seconds)
    write(runtime.context, "wait ends")
    return "waited"


@tool
def block(seconds: float, runtime: Runtime) -> str:
    """Wait in a thread."""
    write(runtime.context, "block begins")
    time.sleep(seconds)
    write(runtime.context, "block ends")
    return "blocked"


@tool
def swallow() -> str:
    """Swallow a stop."""
    try:
        current_run().check()
    except BaseException:
        return "swallowed"
    return "nothing to swallow"


def make(pay: Any) -> Any:
    """A model, and a node for each of its tool calls: side by side, and none is done again for another that asks."""
    model, tools = Scripted(), ToolNode([look, pay, question, wait, block, swallow])

    async def talk(state: MessagesState) -> Any:
        return {"messages": [await model.ainvoke(state["messages"])]}

    def called(state: MessagesState) -> list[Send]:
        last = state["messages"][-1]
        assert isinstance(last, AIMessage)
        return [Send("tools", [{**call, "type": "tool_call"}]) for call in last.tool_calls]

    builder = StateGraph(MessagesState, context_schema=Path)
    builder.add_node("model", talk)
    builder.add_node("tools", tools)
    builder.add_edge(START, "model")
    builder.add_conditional_edges("model", called, ["tools"])
    builder.add_edge("tools", "model")
    return builder.compile(name="tester")


def asked(case: Any) -> Any:
    return {"messages": [HumanMessage(prompt_of(case))]}


FROM_CASE: Any = {"input": asked, "context": ledger_of}

_bare = make(paying())


async def bare(case: Any) -> None:
    """The agent by itself, without casework: what the benchmark compares with."""
    await _bare.ainvoke(asked(case), context=ledger_of(case))


conforming = durable(make(paying()), **FROM_CASE)
changed = durable(make(pay_iban), **FROM_CASE)
limited = durable(make(paying()), **FROM_CASE, config={"recursion_limit": 6})
expiring = durable(make(paying(expires="1h", on_expiry="continue")), **FROM_CASE)
streaming = durable(make(paying()), **FROM_CASE, stream=True)
