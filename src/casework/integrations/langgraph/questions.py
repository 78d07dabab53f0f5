"""Which `interrupt()` gets which answer.

LangGraph hands answers out by position: the first interrupt() of a node that starts again gets the first answer, whatever
it asks by then. After a change of the code, and between parallel tools that ask in another order than before, that is the
answer to another question. So here each call is compared with what people were asked, and gets the answer to just that.

For this, LangGraph's list of a task's answers is replaced by one that looks up the question. LangGraph does not pass the
question to it, but it is in the frame of interrupt(), and only there.
"""

import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, SupportsIndex

from langgraph._internal._constants import CONFIG_KEY_CHECKPOINT_NS, CONFIG_KEY_SCRATCHPAD
from langgraph._internal._scratchpad import PregelScratchpad
from langgraph.config import get_config
from langgraph.errors import GraphInterrupt
from langgraph.types import Interrupt, interrupt

from casework.agents import Request
from casework.errors import InvalidInput
from casework.integrations.langgraph.records import NS_END, NS_SEP
from casework.integrations.langgraph.serializing import Serializer


@dataclass(frozen=True, slots=True)
class Question:
    """One call of interrupt(), as long as its node has not finished."""

    id: str
    """The same whenever this task asks this: made from the task, the content, and how often the task has asked it before."""
    ns: str
    """The task: its node and id, after those around it."""
    value: Any
    schema: Any
    """The JSON Schema of the answer; None if the graph gave none."""

    @property
    def node(self) -> str:
        """The name of the node that asks."""
        return _segments(self.ns)[-1].partition(NS_END)[0]

    @property
    def task_id(self) -> str:
        return _segments(self.ns)[-1].rpartition(NS_END)[2]

    def is_of(self, task_id: str) -> bool:
        """Whether the task asks it, or a graph within the task does."""
        return is_in(self.ns, task_id)


def is_in(ns: str, task_id: str) -> bool:
    """Whether a namespace is that of a task, or of one within it."""
    return any(segment.endswith(f"{NS_END}{task_id}") for segment in _segments(ns))


def _segments(ns: str) -> list[str]:
    """The nodes on the way to a task. LangGraph also counts the graphs that one task has called."""
    return [segment for segment in ns.split(NS_SEP) if not segment.isdigit()]


@dataclass
class _Execution:
    """One execution of a task, which asks from its first question on."""

    counter: object
    asked: Counter[str] = field(default_factory=Counter)


class Interrupts:
    """What the tasks of one invocation ask, and the answers that are there."""

    def __init__(self, serializer: Serializer, answers: Mapping[str, Any] | None = None) -> None:
        self._serializer = serializer
        self._answers = answers or {}
        self._executions: dict[str, _Execution] = {}
        self._lock = threading.Lock()
        self.open: dict[str, Question] = {}
        """What was asked and has no answer, by id."""
        self.used: set[str] = set()
        """The questions whose answers were given out."""

    def watch(self) -> PregelScratchpad:
        """What LangGraph asks for an answer if a task has none of its own: it never has one, and notes the question."""

        def note(_: bool = False) -> None:
            self.ask()

        return PregelScratchpad(
            step=0,
            stop=0,
            call_counter=_zero,
            interrupt_counter=_zero,
            get_null_resume=note,
            resume=[],
            subgraph_counter=_zero,
        )

    def ask(self) -> tuple[Question, Callable[[], Any] | None]:
        """The question of the interrupt() that is calling, and its answer if there is one."""
        value, schema = _asked_with()
        conf = get_config()["configurable"]
        ns, counter = conf[CONFIG_KEY_CHECKPOINT_NS], conf[CONFIG_KEY_SCRATCHPAD].interrupt_counter
        content = self._content(value)
        with self._lock:
            execution = self._executions.get(ns)
            # A node that is retried counts from the start again. Tools that ask side by side share one count.
            if execution is None or execution.counter is not counter:
                execution = self._executions[ns] = _Execution(counter)
            execution.asked[content] += 1
            id = sha256(f"{ns}\0{content}\0{execution.asked[content]}".encode()).hexdigest()[:32]
            question = Question(id, ns, value, schema)
            if id in self._answers:
                self.used.add(id)
                return question, lambda: self._answers[id]
            self.open[id] = question
        return question, None

    def _content(self, value: Any) -> str:
        """What makes the question this one: the key that its author gave it, or all of it."""
        key = value.key if isinstance(value, Request) else value.get("key") if isinstance(value, Mapping) else None
        if isinstance(key, str):
            return f"key {key}"
        if isinstance(value, Request):
            return value.content
        return sha256(self._serializer.dumps("The value of an interrupt", value)[1]).hexdigest()


class Answers(list[Any]):
    """A task's answers, by their questions. A question without an answer interrupts the task."""

    def __init__(self, interrupts: Interrupts) -> None:
        super().__init__()
        self._interrupts = interrupts

    def __len__(self) -> int:
        # LangGraph looks into the list only for positions that it has.
        return sys.maxsize

    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        if isinstance(index, slice):
            # What LangGraph would store as given: the record of people's answers is casework's.
            return []
        question, answer = self._interrupts.ask()
        if answer is None:
            raise GraphInterrupt((Interrupt(question.value, question.id, response_schema=question.schema),))
        return answer()


def _zero() -> int:
    return 0


def _asked_with() -> tuple[Any, Any]:
    """The question, and the schema of its answer, of the interrupt() that is calling."""
    frame = sys._getframe()
    while frame.f_code is not interrupt.__code__:
        if frame.f_back is None:
            raise InvalidInput("This version of LangGraph asks in a way that casework does not know: install another.")
        frame = frame.f_back
    adapter = frame.f_locals["adapter"]
    return frame.f_locals["value"], adapter.json_schema() if adapter else frame.f_locals["response_schema"]
