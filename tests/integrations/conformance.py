"""What every adapter of an agent framework is held to. One suite, `test_conformance_*.py`,
runs against all of them.

An adapter takes part with a module `integrations.NAME_agents` and an entry in `FRAMEWORKS`. The module has these agents of
casework's, made by the adapter out of agents of the framework:

    conforming    the agent as it is described below
    changed       the same after a change of its code: the tool `pay` has another parameter, `iban`, instead of `to`
    limited       its model may be called three times in a run, waits and restarts included
    expiring      who is to approve `pay` has an hour, and then the run goes on without: on_expiry=CONTINUE
    streaming     shows the model's words while they come: only if the framework `does` stream
    reporting     has a structured output, {"summary": text}: only if the framework has output tools

Besides these, `async def bare(case)` runs the same agent without casework, for `python -m bench.integrations`.

The model is the framework's own test model: no network. It plays the script that stands in the data of the case, which its
agent gets by the author's function from the case to a prompt: `prompt_of(case)` is what the first message to the model says, and
`play(prompt, answers)` what the model answers to it, `answers` being how many answers of its own the conversation that
it was given holds. So it knows nothing but what it is told, and a conversation that was cut or doubled gets another answer.

The tools, which write what they do into the ledger, a file; they get its path as their dependencies or context, made by
`ledger_of(case)` from the case:

    look(what: str) -> str          writes "look WHAT", and returns "saw WHAT"
    pay(to: str, amount: int)       needs an approval; writes "pay TO AMOUNT", and returns "paid AMOUNT to TO"
    question(text: str) -> str      asks a person TEXT and returns the answer, by the framework's own means
    wait(seconds: float)            async; writes "wait begins", sleeps, writes "wait ends", and returns "waited"
    block(seconds: float)           plain, and sleeps in its thread; writes "block begins" and "block ends", returns "blocked"
    swallow() -> str                calls `check()` of its run, and returns "swallowed" if that raises, whatever it raises

What a framework cannot do at all is not in its `does`, and stands in the guide's table as a limit.
"""

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import sleep
from typing import Any

from casework import Agent


class Guarantee(StrEnum):
    """The rows of the guide's table. Each test of the suite names the one that it shows."""

    WAITS = "a wait frees the process, and the answer goes to exactly that question"
    KILLED = "killed anywhere, nothing that was finished is done again"
    STOPS = "a stop reaches an await at once and a plain tool when it returns; a release goes on elsewhere"
    LIMITS = "limits and usage count across waits and restarts"
    MESSAGES = "texts, tool calls and results are messages, once each"
    TELLS = "what the framework drops silently is told"
    FRESH = "prompt and dependencies come from the case, in any process"


class Does(StrEnum):
    """What a framework may or may not be able to do."""

    EDITS = "a person may change the arguments"
    RESPONDS = "a person may answer in place of the tool"
    ASKS = "tools that ask"
    PLAIN_TOOLS = "a stop waits for a plain tool, and keeps its result"
    STREAMS = "shows words while they come"
    REPORTS = "has output tools"


@dataclass(frozen=True)
class Framework:
    """An adapter that takes part."""

    name: str
    package: str
    """The distribution whose version the table shows."""
    module: str
    does: frozenset[Does] = frozenset(Does)
    tested: str = ""
    """The version that the table was made with."""
    limits: Mapping[Guarantee, str] = field(default_factory=dict)
    """What is guaranteed only in part, for the table: a short sentence."""

    @property
    def version(self) -> str | None:
        """None if it is not installed: its tests are skipped."""
        try:
            return version(self.package)
        except PackageNotFoundError:
            return None

    def agent(self, name: str = "conforming") -> Agent:
        """One of the module's agents."""
        found: Agent = getattr(import_module(self.module), name)
        return found

    def target(self, name: str = "conforming") -> str:
        """How a worker is told of it."""
        return f"{self.module}:{name}"


FRAMEWORKS = [
    Framework("pydantic-ai", "pydantic-ai-slim", "integrations.pydantic_ai_agents", tested="2.62.0"),
    Framework(
        "langgraph",
        "langgraph",
        "integrations.langgraph_agents",
        does=frozenset(Does) - {Does.REPORTS},
        tested="1.2.22",
        limits={Guarantee.KILLED: "yes, by node: what one node does is done again until it has finished"},
    ),
    Framework("openai-agents", "openai-agents", "integrations.openai_agents_agents", tested="0.24.0"),
    # The adapter is an example, for frameworks that have none.
    Framework(
        "strands-agents",
        "strands-agents",
        "integrations.strands_agents",
        does=frozenset({Does.EDITS, Does.RESPONDS}),
        limits={Guarantee.STOPS: "yes; a plain tool goes on in its thread, and its result is lost"},
        tested="1.62.0",
    ),
]


@dataclass(frozen=True)
class Call:
    """A tool call that the model makes."""

    tool: str
    arguments: Mapping[str, Any]
    id: str


def calls(*made: Call) -> dict[str, Any]:
    """An answer of the model that calls tools."""
    return {"calls": [{"tool": one.tool, "arguments": dict(one.arguments), "id": one.id} for one in made]}


def says(text: str, *made: Call, seconds: float = 0.0, until: Path | str = os.curdir) -> dict[str, Any]:
    """An answer of the model with a text, beside calls or as its last one. It takes so many seconds, and then until a file is
    there."""
    return {**calls(*made), "text": text, "seconds": seconds, "until": str(until)}


def final(output: Mapping[str, Any], *made: Call) -> dict[str, Any]:
    """An answer that gives the structured output, beside calls. Only frameworks with output tools have it."""
    return {**calls(*made), "output": dict(output)}


def pay(to: str, amount: int, id: str) -> Call:
    return Call("pay", {"to": to, "amount": amount}, id)


def look(what: str, id: str) -> Call:
    return Call("look", {"what": what}, id)


def case_of(script: Sequence[Mapping[str, Any]], ledger: Path) -> dict[str, Any]:
    """The data of a case whose model plays this script."""
    return {"script": list(script), "ledger": str(ledger)}


def prompt_of(case: Any) -> str:
    """For the adapter's `prompt`."""
    return json.dumps(case.data)


def ledger_of(case: Any) -> Path:
    """For the adapter's dependencies or context."""
    return Path(case.data["ledger"])


async def play(prompt: str, answers: int) -> dict[str, Any]:
    """What the model answers when it has answered so often before, as `says`, `calls` or `final` made it.

    It writes "model N" into the ledger when it is called, and "model N answered" after the seconds that it takes. Each answer
    uses 10 input and 5 output tokens.
    """
    case = json.loads(prompt)
    answer, ledger = dict(case["script"][answers]), Path(case["ledger"])
    write(ledger, f"model {answers + 1}")
    await asyncio.sleep(answer.get("seconds", 0.0))
    while not Path(answer.get("until", os.curdir)).exists():
        await asyncio.sleep(0.01)
    write(ledger, f"model {answers + 1} answered")
    return answer


def table() -> str:
    """The guide's table: what is guaranteed with which framework, at which version."""
    lines = [
        f"| guarantee | {' | '.join(f'{one.name} {one.tested}' for one in FRAMEWORKS)} |",
        f"|---|{'---|' * len(FRAMEWORKS)}",
    ]
    for guarantee in Guarantee:
        cells = (one.limits.get(guarantee, "yes") for one in FRAMEWORKS)
        lines.append(f"| {guarantee} | {' | '.join(cells)} |")
    for does in Does:
        cells = ("yes" if does in one.does else "no" for one in FRAMEWORKS)
        lines.append(f"| {does} | {' | '.join(cells)} |")
    return "\n".join(lines)


def write(ledger: Path, line: str) -> None:
    """Add a line, whole, from any thread or process. Into nowhere, for a benchmark, nothing."""
    if ledger == Path(os.devnull):
        return
    with ledger.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
        file.flush()
        os.fsync(file.fileno())


def read(ledger: Path) -> list[str]:
    """The lines of the ledger."""
    return ledger.read_text(encoding="utf-8").splitlines() if ledger.exists() else []


def wait_for(ledger: Path, line: str, seconds: float = 60.0) -> None:
    """Wait until the ledger has that line."""
    for _ in range(int(seconds * 100)):
        if line in read(ledger):
            return
        sleep(0.01)
    raise AssertionError(f"{line!r} was not written: {read(ledger)}")
