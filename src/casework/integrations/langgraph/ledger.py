"""What people were asked for a graph: kept until its step is over, so that each answer is given to what was asked."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import ormsgpack

from casework.agents import Answer, Request
from casework.integrations.awaiting import settled
from casework.integrations.langgraph.asking import Asked, asked_for
from casework.integrations.langgraph.questions import Question
from casework.integrations.langgraph.serializing import Serializer

NAME = "langgraph/questions"
"""The name of the state that holds them."""

GROUP = 50
"""Requests in one wait."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A question, and what people are asked for it."""

    question: Question
    asked: Asked

    def requests(self) -> Iterator[Request]:
        # The question's own identity, and not the author's key: a later step may ask with the same one.
        for number, request in enumerate(self.asked.requests):
            yield replace(request, key=f"langgraph-{self.question.id}-{number}")


class Ledger:
    """The questions of the step that the graph is at."""

    def __init__(self, run: Any, serializer: Serializer) -> None:
        self._run, self._serializer = run, serializer
        self._entries: dict[str, _Entry] = {}
        self._step: str | None = None

    @property
    def questions(self) -> list[Question]:
        return [entry.question for entry in self._entries.values()]

    async def answers(self, step: str | None) -> dict[str, Any]:
        """What each interrupt() that people were asked for returns, by the question's id. Raises Suspended if one has no
        answer. `step` is the graph's checkpoint: what was asked in another step is over."""
        if self._step is None:
            await self._read()
        if self._step != step:
            self._entries, self._step = {}, step
        requests = [request for entry in self._entries.values() for request in entry.requests()]
        given: list[Answer] = []
        for start in range(0, len(requests), GROUP):
            given += await settled(self._run.request_all(requests[start : start + GROUP]))
        return dict(self._resumed(given))

    def _resumed(self, given: Sequence[Answer]) -> Iterator[tuple[str, Any]]:
        for id, entry in self._entries.items():
            count = len(entry.asked.requests)
            yield id, entry.asked.resume(given[:count])
            given = given[count:]

    async def add(self, step: str, questions: Iterable[Question]) -> None:
        """Keep questions before people are asked."""
        if self._step != step:
            self._entries, self._step = {}, step
        self._entries.update({one.id: _Entry(one, asked_for(one)) for one in questions})
        kept = [
            (one.id, one.ns, *self._serializer.dumps("The value of an interrupt", [one.value, one.schema]))
            for one in self.questions
        ]
        await settled(self._run.state.save(NAME, ormsgpack.packb({"step": step, "questions": kept})))

    async def _read(self) -> None:
        if (stored := await settled(self._run.state.load(NAME))) is None:
            return
        kept = ormsgpack.unpackb(stored)
        self._step = kept["step"]
        for id, ns, encoding, data in kept["questions"]:
            question = Question(id, ns, *self._serializer.loads((encoding, data)))
            self._entries[id] = _Entry(question, asked_for(question))
