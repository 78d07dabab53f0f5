"""What one attempt of a run knows of the attempts before it, and what it adds.

Each model call, tool, guardrail and handoff is a step of the run. A resumed run goes through the SDK's loop from its
beginning, and each step that was finished gets its result from the record. So nothing that lies in an SDK's own state
(flags of what was executed, names of agents, the context, the limit of turns) can be lost or grow old.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from casework.core.payload import storable
from casework.core.steps import MAX_NAME
from casework.integrations.awaiting import settled
from casework.integrations.signals import Signals

if TYPE_CHECKING:
    from casework.integrations.openai_agents.graph import Graph


STATE = "openai-agents"


@dataclass(slots=True)
class Scope:
    """A run of the SDK's: the one of the case, or one that a tool or a guardrail started."""

    recording: "Recording"
    graph: "Graph"
    path: str = ""
    """What the names of its steps begin with."""
    results: list[Any] = field(default_factory=list)
    """Of the SDK's runs that were started in it."""

    @property
    def is_waiting(self) -> bool:
        """Whether one of them waits for an approval, so that what started it has no result either."""
        return any(result.interruptions for result in self.results)

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
    """The steps of one attempt. `run` is a run in a worker, or one over HTTP, whose calls are awaited."""

    run: Any
    stream: bool = False
    signals: Signals = field(default_factory=Signals)
    is_live: bool = False
    """Whether this attempt has called a model itself, and not only replayed."""
    counts: Counter[str] = field(default_factory=Counter)
    kept: dict[str, Any] = field(default_factory=dict)
    """What the run keeps besides its steps: the first input, and what people were asked."""

    async def load(self) -> None:
        """Read what earlier attempts kept."""
        with self.signals.noted():
            found = await settled(self.run.state.load(STATE))
        self.kept = json.loads(found) if found else {}

    async def keep(self, **what: Any) -> None:
        """Keep this too."""
        self.kept |= storable_json(what)
        with self.signals.noted():
            await settled(self.run.state.save(STATE, json.dumps(self.kept).encode()))

    def check(self) -> None:
        """Raise what ends the attempt, if anything does."""
        with self.signals.enforced(), self.signals.noted():
            self.run.check()

    async def step(
        self, name: str, do: Callable[[], Awaitable[Any]], then: Callable[[Any], Awaitable[None]] | None = None
    ) -> Any:
        """The recorded result, or that of `do`, which is recorded, in one transaction with what `then` tells of it."""
        with self.signals.noted(), ExitStack() as block:
            together: list[Any] = []

            def begin() -> None:
                if not together:
                    together.append(block.enter_context(self.run.together()))

            async def finished() -> Any:
                result = storable_json(await do())
                begin()
                return result

            kept = await settled(self.run.step(name, finished))
            if then is not None:
                begin()
                await then(kept)
        return kept

    async def tell(self, done: Any) -> Any:
        """Await what a call on the run returns, if it has to be."""
        with self.signals.noted():
            return await settled(done)

    async def ask(self, requests: list[Any]) -> list[Any]:
        """The answers of people. Raises Suspended while one is missing."""
        with self.signals.noted():
            answers: list[Any] = await settled(self.run.request_all(requests))
        return answers

    async def notice(self, text: str) -> None:
        """Tell people, once, what they would not expect."""
        await self.tell(self.run.notice(text, key=digest(text)))

    def number(self, what: str) -> int:
        """The number of this repetition, from 1."""
        self.counts[what] += 1
        return self.counts[what]

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


def unordered(items: Any) -> Any:
    """The input of a model, whatever the order of its parts: the results of tools come as they happen to be ready."""
    return sorted(map(digest, items)) if isinstance(items, list) else items


def storable_json(value: Any) -> Any:
    """The value with NUL and lone surrogates escaped, which models give and a database cannot hold."""
    text = json.dumps(value, ensure_ascii=False)
    with suppress(UnicodeEncodeError):
        text.encode()
        if "\\u0000" not in text:
            return value
    return _cleaned(value)


def parsed(arguments: str | None) -> Any:
    """The arguments of a call; its text, if it is not JSON."""
    try:
        return storable_json(json.loads(arguments)) if arguments else {}
    except ValueError:
        return storable_json(arguments)


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(name): _cleaned(one) for name, one in value.items()}
    return [_cleaned(one) for one in value] if isinstance(value, list) else value


def _as_text(value: Any) -> Any:
    dump = getattr(value, "model_dump", None)
    return dump(mode="json") if callable(dump) else str(value)
