"""The adapter of the OpenAI Agents SDK sends no traces unless it is asked to, and leaves the SDK as it is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from agents import (
    Agent,
    RunConfig,
    Runner,
    function_tool,
    get_current_trace,
)

from casework import Complete
from integrations.openai_script import Script, call, made, outputs, run, says

QUIET = """
import socket, sys
sys.path[:0] = {paths!r}

def refuse(*_):
    raise AssertionError("the network was used")

connect, socket.socket.connect = socket.socket.connect, refuse
from agents import Agent
from casework.integrations.openai_agents import durable
from casework.testing import run_agent
from integrations.openai_script import Script, says

agent = Agent(name="clerk", model=Script(says("done")))
result = run_agent(durable(agent, input=lambda case: "hi", tracing={tracing}))
print(result.reason)
"""


@pytest.mark.parametrize(
    ("tracing", "told"),
    [
        (False, ""),
        pytest.param(True, "OPENAI_API_KEY is not set, skipping trace export\n", marks=pytest.mark.slow),
    ],
)
def test_without_tracing_nothing_is_sent_or_said(tracing, told):
    """With it, the SDK does as it does: that shows that the test can see it."""
    tests = Path(__file__).parent.parent
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI")}
    done = subprocess.run(
        [sys.executable, "-c", QUIET.format(paths=[str(tests)], tracing=tracing)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("done\n", told, 0)


@pytest.mark.slow
def test_importing_it_changes_nothing_of_the_sdk_s():
    script = (
        "from agents.run import AgentRunner, get_default_agent_runner as runner\n"
        "before = runner()\n"
        "import casework.integrations.openai_agents\n"
        "assert runner() is before\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


def test_runs_inside_of_a_tool_make_no_traces_either():
    seen = []

    @function_tool
    async def asks() -> str:
        inner = await Runner.run(Agent(name="inner", model=Script(says("short"))), "hi", run_config=RunConfig())
        return inner.final_output

    @function_tool
    async def looks() -> str:
        seen.append(get_current_trace())
        return "looked"

    inner = Agent(name="other", model=Script(call("looks", "l1"), says("short")), tools=[looks])
    agent = made(
        [call("asks", "a1"), call("other", "o1", input="x")],
        says("done"),
        tools=[asks, inner.as_tool("other", "x", run_config=RunConfig())],
    )
    assert run(agent).outcome == Complete("done")
    assert outputs(agent.model) == {"a1": "short", "o1": "short"}
    assert [one.export() for one in seen] == [None]
