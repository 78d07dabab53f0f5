"""Runs of the SDK's within a run of casework's: those that a tool, a guardrail or an agent that is a tool starts.

An agent that is a tool calls `Runner.run` itself. So the SDK's default runner is replaced, when the first run needs it, by
one that does the same, and within a run of casework's makes the agent durable before.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock
from typing import Any, TypeVar

from agents import Model, RunConfig, RunResult, RunResultStreaming, RunState
from agents.run import AgentRunner, get_default_agent_runner, set_default_agent_runner

from casework.integrations.openai_agents.graph import Graph
from casework.integrations.openai_agents.models import DurableProvider, durable_model
from casework.integrations.openai_agents.recording import Scope, current

T = TypeVar("T")

_installing = Lock()


class ScopedRunner(AgentRunner):
    """Runs agents as another runner does; those within a run of casework's durably."""

    def __init__(self, inner: AgentRunner) -> None:
        self.inner = inner

    async def run(self, starting_agent: Any, input: Any, **kwargs: Any) -> RunResult:
        with _scoped(starting_agent, input, kwargs) as (agent, options, known):
            return known(await self.inner.run(agent, input, **options))

    def run_sync(self, starting_agent: Any, input: Any, **kwargs: Any) -> RunResult:
        with _scoped(starting_agent, input, kwargs) as (agent, options, known):
            return known(self.inner.run_sync(agent, input, **options))

    def run_streamed(self, starting_agent: Any, input: Any, **kwargs: Any) -> RunResultStreaming:
        # Its task takes the scope with it.
        with _scoped(starting_agent, input, kwargs) as (agent, options, known):
            return known(self.inner.run_streamed(agent, input, **options))


@contextmanager
def _scoped(agent: Any, input: Any, options: dict[str, Any]) -> Iterator[tuple[Any, dict[str, Any], Callable[[T], T]]]:
    """The agent and the options to run it with, and what is to know the result: within a run of casework's, in a scope."""
    outer = current.get()
    if outer is None:
        yield agent, options, lambda result: result
        return
    results = outer.results

    def known(result: T) -> T:
        if isinstance(input, RunState) and results:
            results.pop()
        results.append(result)
        return result

    token = current.set(_inside(outer, input))
    try:
        config = options.get("run_config")
        config = RunConfig(**config) if isinstance(config, dict) else config or RunConfig()
        yield outer.graph.durable(agent), {**options, "run_config": durable_config(config, outer.graph)}, known
    finally:
        current.reset(token)


def install() -> AgentRunner:
    """Make sure that the default runner is ours. Returns the one that does the work, which was there before."""
    with _installing:
        default = get_default_agent_runner()
        if not isinstance(default, ScopedRunner):
            default = ScopedRunner(default)
            set_default_agent_runner(default)
    return default.inner


def _inside(outer: Scope, input: Any) -> Scope:
    """The scope of a run that is started in another: the same again, if the run is resumed."""
    counted = f"{outer.path}runs"
    number = outer.recording.counts[counted] if isinstance(input, RunState) else outer.recording.number(counted)
    return outer.inner(f"{number}/")


def durable_config(config: RunConfig, graph: Graph) -> RunConfig:
    """The configuration, with durable models and guardrails, and without the traces that leave this machine."""
    if isinstance(config.model_provider, DurableProvider):
        return config
    model = config.model
    return replace(
        copy.copy(config),
        model=durable_model(model, graph.recording) if isinstance(model, Model) else model,
        model_provider=DurableProvider(config.model_provider, graph.recording),
        input_guardrails=graph.guardrails(config.input_guardrails),
        output_guardrails=graph.guardrails(config.output_guardrails),
        tracing_disabled=config.tracing_disabled or not graph.traces,
    )
