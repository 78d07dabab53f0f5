"""What one attempt of a run knows of the attempts before it, and what it adds.

Each model call, tool, guardrail and handoff is a step of the run. A resumed run goes through the SDK's loop from its
beginning, and each step that was finished gets its result from the record. So nothing that lies in an SDK's own state
(flags of what was executed, names of agents, the context, the limit of turns) can be lost or grow old.
"""

import hashlib
import inspect
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from casework.agents import Run
from casework.agents.stop import Interrupted, Suspended
from casework.core.steps import MAX_NAME
from casework.errors import RunLost

if TYPE_CHECKING:
    from casework.integrations.openai_agents.graph import Graph

SIGNALS = (Interrupted, Suspended, RunLost)
"""What ends the attempt, whatever the SDK makes of it: it turns some exceptions of tools into text for the model."""


@dataclass(slots=True)
class Scope:
    """A run of the SDK's: the one of the case, or one that a tool or a guardrail started."""

    recording: "Recording"
    graph: "Graph"
    path: str = ""
    """What the names of its steps begin with."""
    waits: bool = False
    """Whether a run that was started in it waits for an approval, so that it has no result."""

    def inner(self, path: str) -> "Scope":
        """A scope of its own, for what is called within this one."""
        return Scope(self.recording, self.graph, f"{self.path}{path}")


current: ContextVar[Scope | None] = ContextVar("casework_openai_agents", default=None)


def scope() -> Scope:
    """The scope of what is called now. What is durable is only called within a run of casework's."""
    found = current.get()
    assert found is not None
    return found


@dataclass(slots=True)
class Recording:
    """The steps of one attempt."""

    run: Run
    stream: bool = False
    signal: BaseException | None = None
    """The first of SIGNALS that came by."""
    is_live: bool = False
    """Whether this attempt has called a model itself, and not only replayed."""
    counts: Counter[str] = field(default_factory=Counter)

    def notice(self, text: str) -> None:
        """Tell people, once, what they would not expect."""
        self.run.say(f"Notice: {text}", key=f"notice {digest(text)}")

    def number(self, what: str) -> int:
        """The number of this repetition, from 1."""
        self.counts[what] += 1
        return self.counts[what]

    def check(self) -> None:
        """Raise what ends the attempt, if anything does."""
        if self.signal is not None:
            raise self.signal
        with self.noting():
            self.run.check()

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Keep what ends the attempt, if the block raises it."""
        try:
            yield
        except SIGNALS as signal:
            if self.signal is None:
                self.signal = signal
            raise

    async def step(self, name: str, do: Callable[[], Awaitable[Any]]) -> Any:
        """The recorded result, or that of `do`, which is recorded."""
        with self.noting():
            result = self.run.step(name, do)
            return await result if inspect.isawaitable(result) else result

    def recorded(self, name: str) -> Any:
        """The result of a finished step; None if there is none."""
        step = self.run.history.steps.get(name)
        return None if step is None else step.value


def step_name(within: Scope, what: str) -> str:
    """The name of a step: readable, and different from all others also if it has to be shortened."""
    name = f"{within.path}{what}"
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 17]} {digest(name)}"


def digest(value: Any) -> str:
    """The same for the same content."""
    text = json.dumps(value, sort_keys=True, default=_as_text)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _as_text(value: Any) -> Any:
    dump = getattr(value, "model_dump", None)
    return dump(mode="json") if callable(dump) else str(value)
