"""What a graph has done lies with its run: it is found again, is fenced, and does not grow."""

import asyncio
import threading
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.channels.delta import DeltaChannel
from langgraph.checkpoint.base import BaseCheckpointSaver, empty_checkpoint
from langgraph.graph import START
from langgraph.graph.message import add_messages
from langgraph.types import Send, interrupt

from casework import Complete, Transient
from casework.core.lifecycle import CaseStatus
from casework.errors import InvalidInput, RunLost
from casework.integrations.langgraph import Checkpointer, durable
from casework.testing import run_agent
from integrations.graphs import State, graph_of, played


class Memory:
    """`run.state`, in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.lost = False

    def load(self, name: str) -> bytes | None:
        return self.kept.get(name)

    def save(self, name: str, value: bytes) -> None:
        if self.lost:
            raise RunLost
        self.kept[name] = value

    def names(self, prefix: str = "") -> list[str]:
        return sorted(name for name in self.kept if name.startswith(prefix))


def config(thread: str = "run", **more: str) -> Any:
    return {"configurable": {"thread_id": thread, "checkpoint_ns": "", **more}}


def fails_once(name: str, ran: list[str], error: BaseException | None = None) -> Any:
    def node(_: Any) -> Any:
        ran.append(name)
        if ran.count(name) == 1:
            raise error or Transient("away")
        return {"done": [name]}

    return node


def test_what_finished_before_a_failure_is_not_done_again():
    ran: list[str] = []

    def noting(name: str) -> Any:
        def node(_: Any) -> Any:
            ran.append(name)
            return {"done": [name]}

        return node

    def given(case: Any) -> Any:
        ran.append("input")
        return {"done": ["in"]}

    async def p(state: Any) -> Any:
        return noting("p")(state)

    async def c(state: Any) -> Any:
        # Until what its sibling did is stored: nodes that are under way when one fails are cancelled.
        while "p" not in ran:
            await asyncio.sleep(0)
        for _ in range(100):
            await asyncio.sleep(0)
        return fails_once("c", ran)(state)

    nodes = {"a": noting("a"), "b": noting("b"), "p": p, "c": c}
    graph = graph_of(nodes, (START, "a"), ("a", "b"), ("b", "p"), ("b", "c"))
    result = played(graph, made={"input": given})
    assert result.reason == "['in', 'a', 'b', 'c', 'p']"
    assert sorted(ran) == sorted(["input", "a", "b", "p", "c", "c"])


def test_a_process_that_dies_in_a_node_loses_only_that_node():
    ran: list[str] = []

    def dies(_: Any) -> Any:
        ran.append("c")
        if ran.count("c") == 1:
            raise SystemExit
        return {"done": ["c"]}

    def a(_: Any) -> Any:
        ran.append("a")
        return {"done": ["a"]}

    agent = durable(graph_of({"a": a, "c": dies}), input=lambda case: {"done": []}, output=lambda s: Complete("over"))
    with pytest.raises(AssertionError):
        assert run_agent(agent).status is CaseStatus.COMPLETED
    assert ran == ["a", "c"]


def test_a_subgraph_goes_on_in_its_middle():
    ran: list[str] = []

    def first(_: Any) -> Any:
        ran.append("first")
        return {"done": ["first"]}

    inner = graph_of({"first": first, "second": fails_once("second", ran)}).compile()
    assert played(graph_of({"outer": inner})).reason == "['first', 'second']"
    assert ran == ["first", "second", "second"]


def test_each_sent_task_is_kept_by_itself():
    ran: list[str] = []

    def worker(state: Any) -> Any:
        ran.append(state["title"])
        if state["title"] == "c" and ran.count("c") == 1:
            raise Transient("away")
        return {"done": [state["title"]]}

    builder = graph_of({"worker": worker}, ("worker", "__end__"))
    builder.add_conditional_edges(START, lambda _: [Send("worker", {"title": one}) for one in "abc"], ["worker"])
    assert played(builder).reason == "['a', 'b', 'c']"
    assert sorted(ran) == ["a", "b", "c", "c"]


def test_a_run_that_lost_its_case_stores_nothing_more():
    state = Memory()
    saver = Checkpointer(state, "run")
    saver.put(config(), empty_checkpoint(), {"source": "input", "step": -1, "parents": {}}, {})
    kept, state.lost = dict(state.kept), True
    head = saver.get_tuple(config())
    with pytest.raises(RunLost):
        saver.put_writes(head.config, [("done", 1)], "task")
    with pytest.raises(RunLost):
        saver.put(head.config, empty_checkpoint(), {"source": "loop", "step": 0, "parents": {}}, {})
    assert state.kept == kept


def test_after_a_failed_write_nothing_is_stored_any_more():
    state = Memory()
    saver = Checkpointer(state, "run")
    saver.put(config(), empty_checkpoint(), {"source": "input", "step": -1, "parents": {}}, {})
    head = saver.get_tuple(config())
    with pytest.raises(InvalidInput):
        saver.put_writes(head.config, [("done", threading.Lock())], "task")
    with pytest.raises(InvalidInput):
        saver.put(head.config, empty_checkpoint(), {"source": "loop", "step": 0, "parents": {}}, {})


def test_another_threads_checkpoints_are_not_there():
    saver = Checkpointer(Memory(), "run")
    saver.put(config(), empty_checkpoint(), {"source": "input", "step": -1, "parents": {}}, {})
    assert saver.get_tuple(config("other")) is None
    assert list(saver.list(config("other"))) == []
    assert len(list(saver.list(None))) == len(list(saver.list(config()))) == 1
    assert list(saver.list(None, filter={"step": 7})) == []
    assert list(saver.list(None, limit=0)) == []


def counting(limit: int) -> Any:
    builder = graph_of({"node": lambda state: {"done": [len(state["done"])]}}, (START, "node"))
    builder.add_conditional_edges("node", lambda state: "node" if len(state["done"]) < limit else "__end__")
    return builder


def test_what_is_kept_does_not_grow_with_the_steps():
    few, many = (played(counting(limit)) for limit in (5, 80))
    assert many.reason == repr(list(range(80)))
    assert len(many.states) == len(few.states) <= 4


def test_what_is_kept_does_not_grow_with_graphs_in_nodes():
    inner = graph_of({"one": lambda _: {"done": [1]}, "two": lambda _: {}}).compile()

    def looped(limit: int) -> Any:
        def node(_: Any) -> Any:
            return {"done": inner.invoke({"done": []})["done"]}

        builder = graph_of({"node": node}, (START, "node"))
        builder.add_conditional_edges("node", lambda state: "node" if len(state["done"]) < limit else "__end__")
        return builder

    many = played(looped(40))
    assert many.reason == repr([1] * 40)
    # LangGraph writes in the background: records of the last nodes may be there still. Each of the 40 wrote several.
    assert len(many.states) < 40


class Deltas(TypedDict):
    done: Annotated[list[Any], DeltaChannel(lambda held, new: [*held, *(one for part in new for one in part)])]


@pytest.mark.parametrize("limit", [3, 30])
def test_a_channel_of_deltas_is_rebuilt(limit: int):
    builder = graph_of({"node": lambda state: {"done": [len(state["done"])]}}, (START, "node"), state=Deltas)
    builder.add_conditional_edges("node", lambda state: "asks" if len(state["done"]) >= limit else "node")
    builder.add_node("asks", lambda _: {"done": [interrupt("Really?")]})
    result = played(builder, {"Really?": "yes"}, made={"input": lambda case: {"done": []}})
    assert result.reason == repr([*range(limit), "yes"]), result.error


@pytest.mark.parametrize("is_last", [True, False])
def test_a_limit_of_steps_counts_over_waits_and_restarts(is_last: bool):
    ran: list[int] = []

    def node(state: Any) -> Any:
        ran.append(1)
        return {"done": [interrupt(f"Question {len(state['done'])}?")]}

    builder = graph_of({"node": node}, (START, "node"))
    builder.add_conditional_edges("node", lambda state: "node" if len(state["done"]) < 4 else "__end__")
    limit = 4 if is_last else 3
    result = played(builder, lambda _: "x", made={"config": {"recursion_limit": limit}})
    assert len(result.requests) == limit, result.error
    assert result.status is (CaseStatus.COMPLETED if is_last else CaseStatus.FAILED)
    assert is_last or "GraphRecursionError" in result.reason


def test_a_node_that_the_code_has_lost_is_told():
    nodes = {"asks": lambda _: {"done": [interrupt("Really?")]}}
    graph = graph_of(nodes).compile()
    changed = graph_of({"asks_now": lambda _: {"done": ["asked"]}}).compile()
    agent = durable(graph, input=lambda case: {"done": []})

    def answer(_: Any) -> str:
        graph.nodes.clear()
        graph.nodes.update(changed.nodes)
        graph.channels.clear()
        graph.channels.update(changed.channels)
        return "yes"

    result = run_agent(agent, answers=answer)
    assert result.status is CaseStatus.FAILED
    assert "asks, which its code no longer has" in result.reason


def test_a_graph_with_a_checkpointer_of_its_own_gets_ours():
    from langgraph.checkpoint.memory import InMemorySaver

    own = InMemorySaver()
    graph = graph_of({"asks": lambda _: {"done": [interrupt("Really?")]}}).compile(checkpointer=own)
    assert played(graph, {"Really?": "yes"}).reason == "['yes']"
    assert list(own.list(None)) == []


def test_what_is_no_graph_is_refused_at_once():
    with pytest.raises(InvalidInput, match="takes a graph of LangGraph's"):
        durable(len, input=lambda case: {})  # type: ignore[arg-type]


@pytest.mark.parametrize("way", ["as a node", "called", "called async"])
def test_a_graph_that_keeps_nothing_is_told(way: str):
    inner = graph_of({"asks": lambda _: {"done": [interrupt("Really?")]}}).compile(checkpointer=False)

    async def called_async(state: Any) -> Any:
        return await inner.ainvoke(state)

    nodes: Any = {"as a node": inner, "called": lambda state: inner.invoke(state), "called async": called_async}
    result = played(graph_of({"outer": nodes[way]}))
    assert result.status is CaseStatus.FAILED
    assert "was compiled with checkpointer=False" in result.reason


def test_a_graph_that_keeps_its_state_between_calls_goes_on():
    inner = graph_of({"one": lambda _: {"done": [1]}, "asks": lambda _: {"done": [interrupt("Really?")]}})
    result = played(graph_of({"outer": inner.compile(checkpointer=True)}), {"Really?": "yes"})
    assert result.reason == "[1, 'yes']"
    assert list(result.ran) == ["1 outer/1 one", "1 outer/2 asks", "1 outer"]


def test_the_name_of_the_agent_is_that_of_the_graph():
    agent = durable(graph_of({"node": lambda _: {}}).compile(name="triage"), input=lambda case: {})
    assert agent.__name__ == "triage"
    assert agent.is_async


def test_a_checkpointer_is_one_of_langgraphs():
    assert issubclass(Checkpointer, BaseCheckpointSaver)
    assert State.__annotations__ and add_messages
