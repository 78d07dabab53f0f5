"""`@agent`: marks a function as one that casework may call."""

import inspect
from collections.abc import Awaitable, Callable

from casework.agents.outcomes import Outcome
from casework.agents.run import Run

AgentFunction = Callable[[Run], Outcome] | Callable[[Run], Awaitable[Outcome]]


class Agent:
    """A marked function. It can still be called like the original, for example in tests."""

    def __init__(self, function: AgentFunction) -> None:
        self.function = function
        self.is_async = inspect.iscoroutinefunction(function)
        self.__doc__ = function.__doc__
        self.__name__ = getattr(function, "__name__", "agent")
        self.__module__ = function.__module__

    def __call__(self, run: Run) -> Outcome | Awaitable[Outcome]:
        """Call the function."""
        return self.function(run)


def agent(function: AgentFunction) -> Agent:
    """Mark a function `(run: Run) -> Outcome`, plain or async, as an agent."""
    return Agent(function)
