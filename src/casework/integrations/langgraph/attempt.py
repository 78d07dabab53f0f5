"""One attempt of a run whose agent is a graph."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import merge_configs
from langgraph._internal._config import DEFAULT_RECURSION_LIMIT
from langgraph._internal._constants import CONFIG_KEY_SCRATCHPAD, INTERRUPT, TASKS
from langgraph.checkpoint.base import CheckpointTuple
from langgraph.errors import GraphDrained, GraphRecursionError
from langgraph.pregel import Pregel
from langgraph.runtime import RunControl
from langgraph.types import Send

from casework.agents import Fail, HeldCase, Outcome
from casework.errors import InvalidInput
from casework.integrations.awaiting import settled
from casework.integrations.langgraph.asking import asked_for
from casework.integrations.langgraph.checkpointer import Checkpointer
from casework.integrations.langgraph.ledger import Ledger
from casework.integrations.langgraph.questions import Interrupts, Question
from casework.integrations.langgraph.recording import BRANCH, Meter, Recorder, delta_of
from casework.integrations.langgraph.serializing import Serializer
from casework.integrations.langgraph.stopping import stoppable
from casework.integrations.langgraph.tasks import Act, Finished

SHOWN = 200
"""Characters of a question, in what is told about it."""


NEVER_MADE = "_put_checkpoint_fut"
"""What LangGraph misses if it is to wait for the checkpoints of a graph that makes none."""


@dataclass(frozen=True, slots=True)
class Durable:
    """What all runs of an agent share; see `durable`."""

    graph: Pregel[Any, Any, Any, Any]
    input: Callable[[HeldCase], Any]
    output: Callable[[Any], Any]
    context: Callable[[HeldCase], Any] | None
    config: RunnableConfig | Callable[[HeldCase], RunnableConfig] | None
    stream: bool
    serializer: Serializer


class StepLimit:
    """How many steps a run's graph may do. LangGraph counts from each start on; this counts all of them."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.control = RunControl()

    def reached(self, ns: str, step: int) -> None:
        """The graph has done a step. Those of graphs in its nodes are not counted."""
        if not ns and step >= self.steps:
            self.control.request_drain("the limit of steps is reached")

    def error(self) -> GraphRecursionError:
        return GraphRecursionError(
            f"The graph has done {self.steps} steps, all attempts together: its recursion_limit."
        )


class Attempt:
    """Goes on with the graph where the last attempt has left it."""

    def __init__(self, made: Durable, run: Any) -> None:
        """`run` is a worker's, or that of an async pull agent."""
        self._made, self._run = made, run
        self._thread: RunnableConfig = {"configurable": {"thread_id": str(run.id)}}
        self._meter, self._recorder, self._ledger = Meter(), Recorder(run), Ledger(run, made.serializer)
        self._limit = StepLimit(DEFAULT_RECURSION_LIMIT)
        self._saver = Checkpointer(
            run.state,
            str(run.id),
            serializer=made.serializer,
            watcher=self,
            together=run.together,
        )
        self._graph = made.graph.copy({"checkpointer": self._saver})
        self._interrupts = Interrupts(made.serializer)

    async def outcome(self) -> Outcome:
        """Run the graph until it has ended. Raises Suspended if it waits for people."""
        head = await self._saver.aget_tuple(self._thread)
        with self._run.together():
            for act in self._recorded_before(head):
                await settled(act())
        while True:
            answers = await self._ledger.answers(None if head is None else head.checkpoint["id"])
            if refused := self._refused(answers):
                return refused
            self._interrupts = Interrupts(self._made.serializer, answers)
            state = await self._invoke(head)
            head = await self._saver.aget_tuple(self._thread)
            if head is None:
                raise InvalidInput("The graph has stored nothing: it has no nodes, or it was compiled without a state.")
            if not await self._asks(head):
                return await self._ended(state)

    def _recorded_before(self, head: CheckpointTuple | None) -> Iterator[Act]:
        """Records what an attempt had stored when it ended, and perhaps not recorded any more."""
        if head is not None:
            self._recorder.read(head.checkpoint["channel_values"].values())
        for task in self._saver.finished_tasks():
            yield from self._recorder.record(task)

    async def _invoke(self, head: CheckpointTuple | None) -> Any:
        """Run the graph until it ends or asks. Returns its state."""
        made, case = self._made, self._run.case
        if head is not None:
            _check_nodes(head, made.graph)
        self._saver.interrupts = self._interrupts
        # With a checkpoint, the graph goes on: its input given again would start it from the top.
        given = None if head else await settled(made.input(case))
        context = None if made.context is None else await settled(made.context(case))
        config = await self._config(head)
        modes: Any = ["messages", "values"] if made.stream else ["values"]
        steps: Any = self._graph.astream(
            given, config, context=context, stream_mode=modes, durability="sync", control=self._limit.control
        )
        try:
            state = await stoppable(self._state_after(steps), self._limit.control)
        except GraphDrained:
            raise self._limit.error() from None
        except AttributeError as error:
            if error.name != NEVER_MADE:
                raise
            raise InvalidInput(
                "A graph that a node holds or calls was compiled with checkpointer=False, so that nothing of it can be kept: "
                "compile it without that."
            ) from error
        self._saver.interrupts = None
        return state

    async def _state_after(self, steps: Any) -> Any:
        state: Any = None
        async with aclosing(steps) as chunks:
            async for mode, chunk in chunks:
                if mode == "messages":
                    if words := delta_of(chunk[0]):
                        await settled(self._run.stream(words))
                elif not (isinstance(chunk, dict) and INTERRUPT in chunk):
                    state = chunk
        return state

    async def _config(self, head: CheckpointTuple | None) -> RunnableConfig:
        config = self._made.config
        given = cast(RunnableConfig, await settled(config(self._run.case)) if callable(config) else config or {})
        limit = given.get("recursion_limit") or (self._graph.config or {}).get("recursion_limit")
        self._limit = StepLimit(limit or DEFAULT_RECURSION_LIMIT)
        if head is not None:
            self._limit.reached("", head.metadata["step"])
            if self._limit.control.drain_requested and await self._next():
                raise self._limit.error()
        own: RunnableConfig = {
            "configurable": {**self._thread["configurable"], CONFIG_KEY_SCRATCHPAD: self._interrupts.watch()},
            "callbacks": [self._meter],
            "recursion_limit": self._limit.steps + 1,
        }
        return merge_configs(given, own)

    async def _next(self) -> tuple[str, ...]:
        """The nodes that come next."""
        return (await self._graph.aget_state(self._thread)).next

    def ran(self, task_id: str) -> Iterator[Act]:
        yield from map(self._recorder.count, self._meter.taken(task_id))

    def finished(self, task: Finished) -> Iterator[Act]:
        """A node has finished: check that it has not passed over a question, and record what it did."""
        for question in self._interrupts.open.values():
            if question.is_of(task.id):
                raise InvalidInput(
                    f"The node {question.node!r} asked {_shown(question)} and caught the interrupt itself, so that nobody "
                    "was asked: put `except GraphBubbleUp: raise` before its `except Exception`."
                )
        yield from self._told_of_unused(task.id)
        yield from self._recorder.record(task)

    def stepped(self, ns: str, step: int) -> None:
        self._limit.reached(ns, step)

    def _told_of_unused(self, task_id: str) -> Iterator[Act]:
        for question in self._unused():
            if question.is_of(task_id):
                text = f"The node {question.node!r} did not ask {_shown(question)} again. The answer to it is not used."
                yield self._notice(text, question)

    def _unused(self) -> list[Question]:
        """What people have answered, and no node has asked in this invocation."""
        return [one for one in self._ledger.questions if one.ns and one.id not in self._interrupts.used]

    def _notice(self, text: str, *about: Question) -> Act:
        return lambda: self._run.notice(text, key=" ".join(["langgraph-notice", *(one.id for one in about)]))

    async def _asks(self, head: CheckpointTuple) -> bool:
        """Whether the graph waits for people; what it asks is in the ledger then."""
        asked = sorted(self._interrupts.open.values(), key=lambda one: self._saver.place_of(one.task_id))
        for old in self._unused():
            for new in asked:
                if new.ns == old.ns:
                    text = f"The node {new.node!r} asks {_shown(new)}, where it asked {_shown(old)}. The answer to that is not used here."
                    await settled(self._notice(text, old, new)())
        if not asked and (nodes := await self._next()):
            asked = [self._breakpoint(nodes, head)]
        if asked:
            await self._ledger.add(head.checkpoint["id"], asked)
        return bool(asked)

    def _breakpoint(self, nodes: Sequence[str], head: CheckpointTuple) -> Question:
        """The graph was compiled to stop between two nodes: people say whether it goes on."""
        what = ", ".join(nodes)
        id = sha256(f"{head.checkpoint['id']}\0{what}".encode()).hexdigest()[:32]
        if any(one.id == id for one in self._ledger.questions):
            raise InvalidInput(f"The graph stops before {what} although a person let it go on, and asks nothing.")
        return Question(id, "", {"kind": "approval", "title": f"Go on with {what}?"}, None)

    def _refused(self, answers: Mapping[str, Any]) -> Fail | None:
        for question in self._ledger.questions:
            if not question.ns and not answers[question.id]:
                return Fail(f"Not approved: {question.value['title']}")
        return None

    async def _ended(self, state: Any) -> Outcome:
        outcome = await settled(self._made.output(state))
        if outcome is None:
            raise InvalidInput("The graph ended without an outcome: the `output` of durable() returned None.")
        return cast(Outcome, outcome)


def _check_nodes(head: CheckpointTuple, graph: Pregel[Any, Any, Any, Any]) -> None:
    """Raise InvalidInput if the graph has lost a node that is next: LangGraph would take it for finished."""
    values = head.checkpoint["channel_values"]
    nodes = {channel.removeprefix(BRANCH) for channel in values if channel.startswith(BRANCH)}
    nodes |= {one.node for one in values.get(TASKS) or () if isinstance(one, Send)}
    if missing := sorted(nodes - set(graph.nodes)):
        raise InvalidInput(
            f"The graph goes on with {', '.join(missing)}, which its code no longer has: bring the node back, or start over."
        )


def _shown(question: Question) -> str:
    titles = [request.title for request in asked_for(question).requests]
    return " and ".join(repr(title[:SHOWN]) for title in titles)
