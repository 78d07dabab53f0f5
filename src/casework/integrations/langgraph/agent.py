"""`durable`: a graph as an agent that outlives its process, waits for people without one, and does nothing twice."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.graph import StateGraph
from langgraph.pregel import Pregel

from casework.agents import Agent, HeldCase, Outcome, Run, agent
from casework.errors import InvalidInput
from casework.integrations.current import working_for
from casework.integrations.langgraph.attempt import Attempt, Durable
from casework.integrations.langgraph.output import last_words
from casework.integrations.langgraph.serializing import Serializer, types_of


def durable(
    graph: Pregel[Any, Any, Any, Any] | StateGraph[Any, Any, Any, Any],
    *,
    input: Callable[[HeldCase], Any],
    output: Callable[[Any], Outcome | Awaitable[Outcome]] = last_words,
    context: Callable[[HeldCase], Any] | None = None,
    config: RunnableConfig | Callable[[HeldCase], RunnableConfig] | None = None,
    types: Iterable[type] = (),
    stream: bool = False,
) -> Agent:
    """Make an agent of a graph, compiled or not: give it a name in a module, and create an agent with that target.

    `input` and `context` make the graph's input and its context from the case, plain or async: the input once in a run, the
    context in each attempt. `output` makes the outcome from the graph's last state; without one, the last text of the model
    is the reason of Complete. `config` is merged into the graph's own; its `recursion_limit` counts over all attempts and
    waits of a run. `types` are those of objects in the state that its annotations do not name. With `stream`,
    models stream, and their words are shown while they come.

    The graph runs with a checkpointer of casework's, whatever it was compiled with. Each interrupt() becomes a request to
    people. Raises InvalidInput for anything that is not a graph.
    """
    compiled = graph.compile() if isinstance(graph, StateGraph) else graph
    if not isinstance(compiled, Pregel):
        raise InvalidInput(f"durable takes a graph of LangGraph's, compiled or not (got {type(graph).__name__}).")
    made = Durable(compiled, input, output, context, config, stream, Serializer(types_of(compiled, types)))

    async def work(run: Run) -> Outcome:
        with working_for(run):
            return await Attempt(made, run).outcome()

    work.__name__ = work.__qualname__ = str(compiled.name)
    return agent(work)
