"""What a run writes and reads, kept in memory."""

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any, cast

from casework.agents.run import History
from casework.core.lifecycle import CaseStatus
from casework.core.model import Case, CaseId, LabelRef, Message, NewCase, Priority, RunId
from casework.core.requests import Answered
from casework.core.steps import Step
from casework.core.usage import Usage, total
from casework.errors import RunLost
from casework.testing.case import Cases, stored

_numbers = count(1)


@dataclass
class Record:
    """What is known of one run, over its attempts."""

    id: RunId
    steps: dict[str, Step] = field(default_factory=dict)
    added: dict[str, Step] = field(default_factory=dict)
    """The ids of added cases, by the key that keeps a resumed run from adding them again."""
    answered: list[Answered] = field(default_factory=list)
    asked: int = 0
    """Its requests without keys, answered or not."""
    messages: dict[str, Message] = field(default_factory=dict)
    """By the key that keeps a resumed run from repeating itself."""
    attempt: int = 0
    failures: int = 0
    asked_wait: float = 0.0
    """Seconds that it has waited because services asked it to."""
    error: str | None = None
    """The traceback of the last attempt that failed."""
    states: dict[str, bytes] = field(default_factory=dict)
    used: dict[str, Usage] = field(default_factory=dict)
    """By the key that keeps a resumed run from counting it again."""
    streamed: list[str] = field(default_factory=list)

    @property
    def usage(self) -> Usage:
        return total(self.used.values())

    def history(self) -> History:
        """What a new attempt knows of those before."""
        steps = {**self.added, **self.steps}
        return History([*self.answered], {name: replace(one, value=stored(one.value)) for name, one in steps.items()})


class MemoryBackend:
    """The backend of one attempt: once it no longer holds its case, it refuses every write with RunLost."""

    def __init__(
        self, cases: Cases, record: Record, *, said: Callable[[Message], object], after_step: Callable[[str], object]
    ) -> None:
        self._cases, self._record, self._said, self._after_step = cases, record, said, after_step
        self.holds = True

    def say(self, type: str, content: Any, key: str) -> None:
        self._check()
        if key in self._record.messages:
            return
        message = Message(next(_numbers), cast(Any, type), "assistant", datetime.now(UTC), stored(content), key)
        self._record.messages[key] = message
        self._said(message)

    def record_step(self, name: str, value: str, awaited: bool = False) -> None:
        self._check()
        step = Step(name, json.loads(value.encode()), datetime.now(UTC), awaited)
        self._record.steps.setdefault(name, step)
        self._after_step(name)

    def update(
        self, title: str | None, data: Any, priority: Priority | None = None, labels: Sequence[LabelRef] | None = None
    ) -> None:
        self._check()
        self._cases.change(title, data, priority, labels)

    def add_cases(self, queue: str | None, cases: Sequence[NewCase], step: str) -> list[CaseId]:
        self._check()
        added = self._cases.add(queue, cases)
        ids = [str(id) for id in added]
        self._record.added.setdefault(step, Step(step, ids, datetime.now(UTC)))
        return added

    def list_cases(
        self, queue: str | None, statuses: Sequence[CaseStatus], title_contains: str | None, limit: int
    ) -> list[Case]:
        return self._cases.find(queue, statuses, title_contains, limit)

    def load_state(self, name: str) -> bytes | None:
        self._check()
        return self._record.states.get(name)

    def save_state(self, name: str, value: bytes) -> None:
        self._check()
        self._record.states[name] = value

    def state_names(self, prefix: str) -> list[str]:
        self._check()
        return sorted(name for name in self._record.states if name.startswith(prefix))

    def delete_state(self, name: str) -> None:
        self._check()
        self._record.states.pop(name, None)

    def together(self) -> AbstractContextManager[None]:
        return nullcontext()

    def add_usage(self, usage: Usage, key: str) -> None:
        self._check()
        self._record.used.setdefault(key, usage)

    def stream(self, text: str) -> None:
        self._check()
        self._record.streamed.append(text)

    def _check(self) -> None:
        if not self.holds:
            raise RunLost
