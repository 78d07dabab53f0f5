"""The agents of the conformance suite, in strands-agents, by the adapter that is an example."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

from strands import Agent, ToolContext, tool
from strands.models import Model

from casework import OnExpiry, Request
from casework.agents import HeldCase
from integrations.conformance import ledger_of, play, prompt_of, write
from integrations.strands_adapter import durable


class Script(Model):
    """Plays the script of its first message."""

    def update_config(self, **model_config: Any) -> None:
        pass

    def get_config(self) -> Any:
        return {}

    def structured_output(self, *given: Any, **options: Any) -> Any:
        raise AssertionError

    async def stream(self, messages: Any, *given: Any, **options: Any) -> AsyncGenerator[Any, None]:  # type: ignore[override]
        answer = await play(messages[0]["content"][0]["text"], sum(one["role"] == "assistant" for one in messages))
        yield {"messageStart": {"role": "assistant"}}
        blocks: list[tuple[Any, Any]] = [({}, {"text": answer["text"]})] if answer.get("text") else []
        for one in answer["calls"]:
            start = {"toolUse": {"toolUseId": one["id"], "name": one["tool"]}}
            blocks.append((start, {"toolUse": {"input": json.dumps(one["arguments"])}}))
        for start, delta in blocks:
            yield {"contentBlockStart": {"start": start}}
            yield {"contentBlockDelta": {"delta": delta}}
            yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": "tool_use" if answer["calls"] else "end_turn"}}
        usage = {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15}
        yield {"metadata": {"usage": usage, "metrics": {"latencyMs": 0}}}


def _make(iban: bool = False) -> Any:
    def made(case: HeldCase) -> Agent:
        ledger = ledger_of(case)

        @tool
        def look(what: str) -> str:
            """Look."""
            write(ledger, f"look {what}")
            return f"saw {what}"

        @tool(name="pay")
        def pay(to: str, amount: int) -> str:
            """Pay."""
            write(ledger, f"pay {to} {amount}")
            return f"paid {amount} to {to}"

        @tool(name="pay")
        def pay_iban(iban: str, amount: int) -> str:
            """Pay."""
            write(ledger, f"pay {iban} {amount}")
            return f"paid {amount} to {iban}"

        @tool
        async def wait(seconds: float) -> str:
            """Wait."""
            write(ledger, "wait begins")
            await asyncio.sleep(seconds)
            write(ledger, "wait ends")
            return "waited"

        @tool
        def block(seconds: float) -> str:
            """Block."""
            write(ledger, "block begins")
            time.sleep(seconds)
            write(ledger, "block ends")
            return "blocked"

        @tool(context=True)
        def swallow(tool_context: ToolContext) -> str:
            """Swallow."""
            try:
                tool_context.invocation_state["run"].check()
            except BaseException:
                return "swallowed"
            return "nothing to swallow"

        tools: list[Any] = [look, pay_iban if iban else pay, wait, block, swallow]
        return Agent(model=Script(), tools=tools, callback_handler=None)

    return made


def _for_an_hour(request: Request) -> Request:
    return replace(request, expires="1h", on_expiry=OnExpiry.CONTINUE)


conforming = durable(_make(), prompt=prompt_of, asks=["pay"])
changed = durable(_make(iban=True), prompt=prompt_of, asks=["pay"])
limited = durable(_make(), prompt=prompt_of, asks=["pay"], limits={"turns": 3})
expiring = durable(_make(), prompt=prompt_of, asks=["pay"], request=_for_an_hour)


async def bare(case: HeldCase) -> Any:
    """The agent by itself, for the benchmark."""
    return await _make()(case).invoke_async(prompt_of(case))
