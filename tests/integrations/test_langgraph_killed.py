"""A graph whose process dies at each of its writes, before the write or after it: nothing is lost, asked twice or doubled."""

from collections import Counter
from typing import Any

import pytest
from langgraph.graph import START
from langgraph.types import Send, interrupt

from casework import Outcome, Run, Transient, agent
from casework.agents.state import RunState
from casework.core.lifecycle import CaseStatus
from casework.integrations.langgraph import durable
from casework.testing import Result, run_agent
from integrations.graphs import given, graph_of, reason_of

STEPS = ({"a"}, {"asks", "beside", "inner", "inner last"}, {"x", "y"}, {"last"})
"""What may be under way at once, and so may be done again."""


class Killed(Transient):
    """The process is gone: the next attempt finds what was written before."""


class Dying:
    """`run.state` of a process that dies at a write."""

    def __init__(self, state: RunState, writes: Counter[str], at: int | None, after: bool) -> None:
        self._state, self._writes, self._at, self._after = state, writes, at, after
        self._is_dead = False
        self.load, self.names = state.load, state.names

    def save(self, name: str, value: bytes) -> None:
        if self._is_dead:
            raise Killed
        self._writes["all"] += 1
        if self._writes["all"] == self._at:
            self._is_dead = True
            if self._after:
                self._state.save(name, value)
            raise Killed
        self._state.save(name, value)


def a_graph(ran: list[str]) -> Any:
    """Nodes one after the other and side by side, a graph in a node, tasks that are sent, and four questions."""

    def node(name: str) -> Any:
        def act(_: Any) -> Any:
            ran.append(name)
            return {"done": [name]}

        return act

    def asks(_: Any) -> Any:
        ran.append("asks")
        return {"done": [interrupt("First?"), interrupt("Second?")]}

    def inner_asks(_: Any) -> Any:
        return {"done": [interrupt("Inner?")]}

    def sent(state: Any) -> Any:
        ran.append(state["title"])
        return {"done": [state["title"]]}

    inner = graph_of({"inner": node("inner"), "inner_asks": inner_asks, "inner_last": node("inner last")}).compile()
    nodes = {"a": node("a"), "asks": asks, "beside": node("beside"), "outer": inner, "sent": sent, "last": node("last")}
    edges = [(START, "a"), ("a", "asks"), ("a", "beside"), ("a", "outer"), ("sent", "last")]
    builder = graph_of(nodes, *edges)
    builder.add_conditional_edges("outer", lambda _: [Send("sent", {"title": one}) for one in ("x", "y")], ["sent"])
    return builder


ANSWERS = {"First?": "1", "Second?": "2", "Inner?": "3"}
ENDED = "['a', '1', '2', 'beside', 'a', 'inner', '3', 'inner last', 'x', 'y', 'last']"


def lived(writes: Counter[str], ran: list[str], at: int | None, after: bool) -> Result:
    graph = durable(a_graph(ran), input=given, output=reason_of)

    @agent
    async def dies(run: Run) -> Outcome:
        run.state = Dying(run.state, writes, at, after)  # type: ignore[assignment]
        outcome: Outcome = await graph(run)  # type: ignore[misc]
        return outcome

    return run_agent(dies, answers=ANSWERS, max_attempts=9)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_write_the_graph_ends_as_it_would_have(after: bool):
    writes, ran = Counter[str](), list[str]()
    whole = lived(writes, ran, None, after)
    assert (whole.reason, whole.attempts) == (ENDED, 3), whole.error
    once, total = Counter(ran), writes["all"]
    assert total > 15
    for at in range(1, total + 1):
        writes.clear()
        ran.clear()
        result = lived(writes, ran, at, after)
        assert (result.status, result.reason) == (CaseStatus.COMPLETED, ENDED), (at, result.error)
        assert len(result.failed) == 1
        assert sorted(one.title for one in result.requests) == sorted(ANSWERS)
        again = Counter(ran) - once
        assert any(set(again) <= step for step in STEPS), (at, again)
        assert max(again.values(), default=0) <= 1
        assert len(result.states) == len(whole.states)
