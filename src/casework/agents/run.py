"""What an agent holds while it works: its case, and everything it can do besides returning an outcome.

A resumed run starts from the top of its function. Answers, steps and created cases come from the record, found by
their place and question, name or content, and what was said before is not said again.
"""

import hashlib
import inspect
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol, TypeVar, overload
from uuid import UUID, uuid4

from casework.agents.asking import Asking
from casework.agents.new_cases import label_of, new_case, priority_of
from casework.agents.state import RunState, StateBackend
from casework.agents.stop import Stop
from casework.core.lifecycle import CaseStatus
from casework.core.model import Case, CaseId, LabelRef, NewCase, Priority, QueueId, RunId
from casework.core.payload import check_text
from casework.core.requests import Answered
from casework.core.statuses import read_statuses
from casework.core.steps import Step, check_name, idempotency_key
from casework.core.unset import UNSET
from casework.core.usage import MAX_KEY, Usage, check_usage
from casework.errors import InvalidInput

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HeldCase:
    """The case as its run holds it."""

    id: CaseId
    queue_id: QueueId
    title: str
    data: Any
    priority: Priority
    labels: tuple[LabelRef, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class History:
    """What a resumed run has done before."""

    answered: Sequence[Answered] = ()
    """Its requests that have an answer, in the order in which they were made."""
    steps: Mapping[str, Step] = field(default_factory=dict)

    @property
    def answers(self) -> dict[str, Any]:
        """The last answer to each question, by its title."""
        return {one.title: one.answer.value for one in self.answered}


class Backend(StateBackend, Protocol):
    """What a run can do besides returning. Every call is fenced, and raises RunLost if the run no longer holds its
    case."""

    def say(self, type: str, content: Any, key: str) -> None:
        """Record a message, unless one with that key is there."""

    def record_step(self, name: str, value: str, awaited: bool = False) -> None:
        """Keep a step's result, as JSON, and whether the agent awaits it."""

    def update(
        self, title: str | None, data: Any, priority: Priority | None, labels: Sequence[LabelRef] | None
    ) -> None:
        """Change the case. What is None, or UNSET for data, stays as it is."""

    def add_cases(self, queue: str | None, cases: Sequence[NewCase], step: str) -> list[CaseId]:
        """Create cases, and keep their ids under that step, in one transaction."""

    def list_cases(
        self, queue: str | None, statuses: Sequence[CaseStatus], title_contains: str | None, limit: int
    ) -> list[Case]:
        """Read cases."""

    def together(self) -> AbstractContextManager[None]:
        """Within the block, messages, steps, states and usage may be gathered, and written in one transaction at its end."""

    def add_usage(self, usage: Usage, key: str) -> None:
        """Count what was used, unless something was counted under that key."""

    def stream(self, text: str) -> None:
        """Show the text to whoever looks at the run now. It may be lost."""


class Run(Asking):
    """One agent's work on one case. Each call is a point at which an interrupt can reach a plain function."""

    def __init__(
        self,
        *,
        id: RunId,
        attempt: int,
        agent_name: str,
        case: HeldCase,
        history: History,
        backend: Backend,
        stop: Stop,
    ) -> None:
        self.id = id
        self.attempt = attempt
        self.agent_name = agent_name
        self._case = case
        self._history = history
        self._backend = backend
        self._stop = stop
        self._said: dict[str, int] = {}
        super().__init__(history.answered)

    @property
    def case(self) -> HeldCase:
        """The case, with the changes that this run made."""
        return self._case

    @cached_property
    def state(self) -> RunState:
        """What the run keeps for itself from attempt to attempt."""
        return RunState(self._backend, self._stop)

    @property
    def history(self) -> History:
        """What earlier attempts of this run have recorded."""
        return self._history

    def check(self) -> None:
        """Stop here if the run was asked to stop."""
        self._stop.check()

    def sleep(self, seconds: float) -> None:
        """Wait, and stop at once if the run is asked to stop."""
        self._stop.wait(seconds)
        self._stop.check()

    def say(self, text: str, *, key: str | None = None) -> None:
        """Record what the agent says.

        A resumed run says nothing twice, if it starts from its top: the n-th repetition of a text is one message. An agent
        that goes on in the middle gives a `key`: the same key is one message.
        """
        self._record("text", {"text": text if isinstance(text, str) else str(text)}, key)

    def tool(
        self,
        name: str,
        arguments: Any = None,
        *,
        result: Any = UNSET,
        error: str | None = None,
        key: str | None = None,
    ) -> None:
        """Record that the agent called a tool, and what came of it, now or in a later call with the same `key`."""
        call = self._record("tool_call", {"name": name, "arguments": arguments}, key)
        if result is not UNSET or error is not None:
            came = {"tool_call_id": call, "result": None if result is UNSET else result, "error": error}
            self._record("tool_result", came, key)

    def together(self) -> AbstractContextManager[None]:
        """In a `with` block: what the block records (messages, steps, states, usage) is written in one transaction, at its
        end, also if an error ends it. Keep out of it what takes long."""
        return self._backend.together()

    def notice(self, text: str, *, key: str | None = None) -> None:
        """Record what people should know about this run, and what the agent does not say: its code has changed, for example."""
        self._record("notice", {"text": text}, key)

    def stream(self, text: str) -> None:
        """Show a part of a text, such as a model's next words, to whoever looks at the run now. It is not kept, and may be
        lost: `say` the whole when it is finished."""
        self.check()
        if text:
            self._backend.stream(text)

    def usage(
        self,
        *,
        input_tokens: int = 0,
        output_tokens: int = 0,
        requests: int = 0,
        cost: float = 0.0,
        model: str | None = None,
        key: str | None = None,
    ) -> None:
        """Add to what the run has used, over all of its attempts. It is not an interrupt point: what was used is counted.

        With a `key`, up to 200 characters, the same is counted once, however often the run is resumed: give the name of the
        step that used it. Raises InvalidInput for negative numbers.
        """
        used = Usage(input_tokens, output_tokens, requests, cost, () if model is None else (model,))
        check_usage(used)
        if key is not None:
            check_text("usage's key", key, least=1, most=MAX_KEY)
        self._backend.add_usage(used, uuid4().hex if key is None else key)

    @overload
    def step(self, name: str, do: Callable[[], Awaitable[T]]) -> Awaitable[T]: ...
    @overload
    def step(self, name: str, do: Callable[[], T]) -> T: ...
    def step(self, name: str, do: Callable[[], Any]) -> Any:
        """Call `do` and remember its result, which must be JSON: attempts that come later get the result from the record.

        A step is done at least once and remembered once. If the process dies after `do` and before its result is recorded, a
        later attempt calls it again: give what must not happen twice `run.idempotency_key(name)`. With an async function,
        await the result. Raises InvalidInput for a name that is empty or longer than 200 characters, and for a result that
        is not JSON.
        """
        self.check()
        check_name(name)
        if name in self._history.steps:
            step = self._history.steps[name]
            # What is awaited may have been made by a plain function, such as a lambda that calls an async one.
            return _immediately(step.value) if step.awaited or inspect.iscoroutinefunction(do) else step.value
        if not callable(do):
            raise InvalidInput(
                f"The step {name!r} takes a function, which it calls once: put `lambda:` before the value."
            )
        value = do()
        if inspect.isawaitable(value):
            return self._finish_step(name, value)
        return self._keep_step(name, value)

    def idempotency_key(self, name: str) -> str:
        """A key for a service that does something only once for each key: the UUID, version 5, of `name` within the
        case's id.

        It depends on nothing else. So it is the same in every attempt of the run and in every later run of the case: after
        a person's retry, after a postponement, and with another agent. If the case is to do something once in each of
        these, put what differs into the name, as in `f"remind {month}"`. Raises InvalidInput as `step` does.
        """
        self.check()
        return idempotency_key(self._case.id, name)

    def update(
        self,
        *,
        title: str | None = None,
        data: Any = UNSET,
        priority: str | None = None,
        labels: Sequence[LabelRef | Mapping[str, Any]] | None = None,
    ) -> None:
        """Change the case; the change stays, whatever the outcome. What is not given stays as it is.

        `priority` is "none", "medium" or "high". `labels` are all that the case has from now on, each a mapping with value
        and key: to add one, give `[*run.case.labels, {"value": "urgent"}]`. Raises InvalidInput.
        """
        self.check()
        if title is None and data is UNSET and priority is None and labels is None:
            raise InvalidInput("Give at least one of title, data, priority and labels.")
        case = self._case
        refs = case.labels if labels is None else tuple(dict.fromkeys(label_of(label) for label in labels))
        urgency = case.priority if priority is None else priority_of(priority)
        changed = replace(
            case,
            title=case.title if title is None else title,
            data=case.data if data is UNSET else json.loads(_json("data", data)),
            priority=urgency,
            labels=refs,
        )
        NewCase(changed.title, "" if data is UNSET else changed.data, () if labels is None else refs)
        self._backend.update(
            title,
            UNSET if data is UNSET else changed.data,
            None if priority is None else urgency,
            None if labels is None else refs,
        )
        self._case = changed

    def add_cases(self, cases: Sequence[NewCase | Mapping[str, Any]], queue: str | None = None) -> list[CaseId]:
        """Create cases once, in the queue with that name or id, or in the queue of this case if none is given.

        A case whose `key` is known is left out. One with `ready_at` ("2h", a timedelta or an aware moment) is postponed
        until then. Returns the ids of the new cases.
        """
        self.check()
        if isinstance(cases, str | Mapping | NewCase):
            raise InvalidInput("add_cases takes a list of cases: put [ ] around the one.")
        new = [case if isinstance(case, NewCase) else new_case(case) for case in cases]
        step = self._key("add_cases", {"queue": queue, "cases": [repr(case) for case in new]})
        if step in self._history.steps:
            return [CaseId(UUID(id)) for id in self._history.steps[step].value]
        return self._backend.add_cases(queue, new, step)

    def list_cases(
        self,
        queue: str | None = None,
        *,
        status: str | Sequence[str] = (),
        title_contains: str | None = None,
        limit: int = 100,
    ) -> list[Case]:
        """Cases of a queue, newest first: to see what is there before adding to it."""
        self.check()
        statuses = read_statuses(CaseStatus, status if isinstance(status, str) else ",".join(status), "status")
        return self._backend.list_cases(queue, statuses, title_contains, limit)

    def _record(self, type: str, content: Any, key: str | None = None) -> str:
        self.check()
        said = self._key(type, content) if key is None else _digest(f"key of {type}", key)
        self._backend.say(type, content, said)
        return said

    def _key(self, kind: str, content: Any) -> str:
        """A key that is the same in every attempt for the n-th repetition of this content."""
        digest = _digest(kind, content)
        self._said[digest] = self._said.get(digest, 0) + 1
        return f"{digest}-{self._said[digest]}"

    def _keep_step(self, name: str, value: T, awaited: bool = False) -> T:
        self._backend.record_step(name, _json(f"step {name!r}", value), awaited)
        return value

    async def _finish_step(self, name: str, value: Awaitable[T]) -> T:
        return self._keep_step(name, await value, awaited=True)


async def _immediately(value: T) -> T:
    return value


def _digest(kind: str, content: Any) -> str:
    return hashlib.sha256(f"{kind}\0{_json(kind, content)}".encode()).hexdigest()[:24]


def _json(what: str, value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"The {what} is not JSON: {error}") from error
