"""Small graphs for tests: nodes that note what they do, and models that play a script."""

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, TypedDict

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langgraph.graph import START, StateGraph

from casework import Complete
from casework.integrations.langgraph import durable
from casework.testing import Result, run_agent


class State(TypedDict, total=False):
    title: str
    done: Annotated[list[Any], operator.add]


def graph_of(nodes: Mapping[str, Callable[..., Any]], *edges: tuple[str, str], **options: Any) -> Any:
    """A builder with these nodes. Without edges, they run one after the other."""
    builder: StateGraph[Any, Any, Any, Any] = StateGraph(options.pop("state", State), **options)
    for name, node in nodes.items():
        builder.add_node(name, node)
    for start, end in edges or [*zip([START, *nodes], nodes, strict=False)]:
        builder.add_edge(start, end)
    return builder


def played(graph: Any, answers: Any = None, *, made: Mapping[str, Any] | None = None, **options: Any) -> Result:
    """What came of a case whose agent is the graph; what its nodes have returned is the reason."""
    agent = durable(graph, **{"input": given, "output": reason_of, **(made or {})})
    return run_agent(agent, answers=answers, **options)


def given(case: Any) -> dict[str, Any]:
    return {"title": case.title}


def reason_of(state: Any) -> Complete:
    return Complete(repr(state["done"]))


class Script(BaseChatModel):
    """A chat model that gives these answers, in words if it is streamed."""

    answers: list[AIMessage]

    @property
    def _llm_type(self) -> str:
        return "script"

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **_: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self.answers.pop(0))])

    def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **_: Any) -> Iterator[Any]:
        answer = self.answers.pop(0)
        words = str(answer.text).split(" ")
        for number, word in enumerate(words):
            is_last = number == len(words) - 1
            chunk = AIMessageChunk(f"{word}" if is_last else f"{word} ")
            if is_last:
                chunk = AIMessageChunk(
                    word,
                    tool_calls=answer.tool_calls,
                    usage_metadata=answer.usage_metadata,
                    response_metadata=answer.response_metadata,
                )
            yield ChatGenerationChunk(message=chunk)


def model(*answers: AIMessage) -> Script:
    """A chat model that gives these answers."""
    return Script(answers=[*answers])


def titles(result: Any) -> list[str]:
    return [one.title for one in result.requests]


def notices(result: Any) -> list[str]:
    return [one.content["text"] for one in result.messages if one.type == "notice"]
