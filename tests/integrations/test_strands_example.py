"""The port is enough for a framework that casework does not know."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("strands")

from strands import tool
from strands.models import Model

from casework import Decision
from casework.core.lifecycle import CaseStatus
from casework.testing import Answering, run_agent
from integrations.conformance import Call, calls, case_of, look, pay, play, prompt_of, read, says, write
from integrations.strands_example import durable

ADAPTER = Path(__file__).with_name("strands_example.py")


class Scripted(Model):
    """Plays the script in the prompt."""

    def update_config(self, **_: Any) -> None: ...

    def get_config(self) -> Any:
        return {}

    def structured_output(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("nobody asks for it")

    async def stream(self, messages: Any, *_: Any, **__: Any) -> AsyncIterator[Any]:
        said = await play(messages[0]["content"][0]["text"], sum(one["role"] == "assistant" for one in messages))
        yield {"messageStart": {"role": "assistant"}}
        if said.get("text"):
            yield {"contentBlockStart": {"start": {}}}
            yield {"contentBlockDelta": {"delta": {"text": said["text"]}}}
            yield {"contentBlockStop": {}}
        for call in said["calls"]:
            yield {"contentBlockStart": {"start": {"toolUse": {"name": call["tool"], "toolUseId": call["id"]}}}}
            yield {"contentBlockDelta": {"delta": {"toolUse": {"input": json.dumps(call["arguments"])}}}}
            yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": "tool_use" if said["calls"] else "end_turn"}}
        used = {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15}
        yield {"metadata": {"usage": used, "metrics": {"latencyMs": 0}}}


def make(case: Any) -> dict[str, Any]:
    ledger = Path(case.data["ledger"])

    @tool
    def look(what: str) -> str:
        """Look."""
        write(ledger, f"look {what}")
        return f"saw {what}"

    @tool
    def pay(to: str, amount: int) -> str:
        """Pay."""
        write(ledger, f"pay {to} {amount}")
        return f"paid {amount} to {to}"

    return {"model": Scripted(), "tools": [look, pay]}


agent = durable(make, prompt=prompt_of, approve=["pay"])
SCRIPT = (calls(look("a", "1"), pay("Ann", 5, "2"), pay("Bob", 7, "3")), says("paid"))


@pytest.fixture
def tried(tmp_path: Path) -> Any:
    def run(*script: Any, **options: Any) -> Any:
        ledger = tmp_path / "ledger"
        ledger.unlink(missing_ok=True)
        result = run_agent(agent, data=case_of(script, ledger), max_attempts=50, **options)
        return result, Counter(line for line in read(ledger) if not line.startswith("model") or "answered" in line)

    return run


def test_the_adapter_is_short():
    assert len(ADAPTER.read_text(encoding="utf-8").splitlines()) < 150


def test_approvals_of_one_turn_are_one_wait(tried: Any):
    result, done = tried(*SCRIPT, answers=lambda request: request.action.arguments["to"] == "Bob")
    assert (result.status, result.reason, result.attempts) == (CaseStatus.COMPLETED, "paid", 2)
    assert len(result.requests) == 2
    assert done == Counter(["model 1 answered", "look a", "pay Bob 7", "model 2 answered"])
    assert (result.usage.requests, result.usage.input_tokens, result.said) == (2, 20, ["paid"])


def test_what_a_person_edited_is_done_and_a_rejection_is_told(tried: Any):
    edited = Answering(arguments={"to": "Carol", "amount": 1})
    rejected = Answering(decision=Decision.REJECT, message="not now")
    result, done = tried(*SCRIPT, answers=lambda one: edited if one.action.arguments["to"] == "Ann" else rejected)
    assert result.status == CaseStatus.COMPLETED
    assert done == Counter(["model 1 answered", "look a", "pay Carol 1", "model 2 answered"])


CHAIN = (says("first", look("a", "1")), calls(pay("Ann", 5, "2")), says("last"))


def test_killed_after_any_step_nothing_is_done_twice(tried: Any):
    whole, expected = tried(*CHAIN, answers=lambda _: True)
    for name in whole.ran:
        result, done = tried(*CHAIN, answers=lambda _: True, kill_after_step=name)
        assert (result.status, done) == (CaseStatus.COMPLETED, expected)
    again, _ = tried(*CHAIN, answers=lambda _: True, kill_in_step=list(whole.ran))
    assert [(one.type, one.content) for one in again.messages] == [(one.type, one.content) for one in whole.messages]


def test_a_stop_in_a_tool_is_not_told_to_the_model(tried: Any):
    script = (calls(Call("look", {"what": "a"}, "1")), says("done"))
    result, done = tried(*script, stop_at="tool")
    assert (result.status, result.reason) == (CaseStatus.FAILED, "stopped by a person")
    assert done["model 2 answered"] == 0
    released, done = tried(*script, release_at="tool")
    assert (released.status, released.failed) == (CaseStatus.COMPLETED, [])
