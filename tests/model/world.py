"""What every step of the model test has: the database, the clock, the model, what may be chosen, and what must hold."""

from collections import Counter
from typing import Any, ClassVar
from uuid import UUID

import observed
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant
from ideal import GRACE, LEASE, MAX_ATTEMPTS, RESEND, RETRY_BASE, Case, Ideal

from casework.core.effects import RunMessage
from casework.core.model import Agent, Queue
from casework.service.execution.attempt import Attempt
from casework.settings import Settings
from casework.store.database import Tx
from rolled_back import Clock, RolledBack

SETTINGS = Settings(
    lease_seconds=LEASE.total_seconds(),
    interrupt_grace_seconds=GRACE.total_seconds(),
    resend_seconds=RESEND.total_seconds(),
    max_attempts=MAX_ATTEMPTS,
    retry_base_seconds=RETRY_BASE,
)

picks = st.integers(0, 59)
"""Which one of what there is, modulo how many there are."""

several = st.lists(picks, min_size=1, max_size=3)
numbers = st.integers(0, 1)
workers = st.sampled_from(["w1", "w2"])


def doing(name: str, **arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    """A method and its arguments: what shares a rule is rarer than what has one of its own."""
    return st.tuples(st.just(name), st.fixed_dictionaries(arguments))


def one(items: Any, pick: int) -> Any:
    """The picked one."""
    listed = list(items)
    return listed[pick % len(listed)]


def some_of(items: Any, chosen: list[int]) -> list[Any]:
    """The picked ones, each once."""
    return list(dict.fromkeys(one(items, pick) for pick in chosen))


class World(RuleBasedStateMachine):
    """Two queues, three agents and a clock that stands still until a step moves it."""

    steps: ClassVar[int] = 0
    seen: ClassVar[Counter[str]] = Counter()

    def __init__(self, outer: Tx, queues: list[Queue], agents: list[Agent]) -> None:
        super().__init__()
        self.outer = outer
        outer.sql("savepoint world")
        self.clock = Clock()
        self.db = RolledBack(outer, self.clock)
        self.tx = Tx(outer.connection, self.clock, begun=True)
        self.queues, self.agents = queues, agents
        self.ideal = Ideal(self.clock.now, {agent.id: agent.max_attempts for agent in agents})
        self.ideal.modes = {queue.id: "active" for queue in queues}
        self.messages: list[RunMessage] = []
        self.hands: list[Attempt] = []
        self.deleted: list[UUID] = []
        self.limited = False
        """Whether there was a limit: cases may have waited in lines."""
        self.state = observed.State({}, {}, {})
        self.seen_events: set[int] = set()

    def teardown(self) -> None:
        """Forget everything."""
        self.outer.connection.roll_back("world")

    def do(self, what: tuple[str, dict[str, Any]]) -> None:
        """What `doing` has described."""
        name, arguments = what
        getattr(self, name)(**arguments)

    def chosen(self, chosen: list[int]) -> tuple[UUID, list[Case], list[UUID]]:
        """A queue, the chosen cases that are in it, and all chosen ids: some of them of another queue, or deleted."""
        ids = some_of([*self.ideal.cases, *self.deleted[-1:]], chosen)
        known = [self.ideal.cases[id] for id in ids if id in self.ideal.cases]
        queue = known[0].queue if known else self.queues[0].id
        return queue, [case for case in known if case.queue == queue], ids

    def executes(self, hand: Attempt) -> bool:
        """Whether that attempt is the one that runs."""
        run = self.ideal.runs[hand.fence.run_id]
        return (run.status, run.attempt) == ("running", hand.fence.attempt)

    def running(self) -> list[Attempt]:
        """The attempts that are being executed, whether or not they were asked to stop."""
        return [hand for hand in self.hands if self.executes(hand)]

    def late(self) -> list[Attempt]:
        """The attempts that are over."""
        return [hand for hand in self.hands if not self.executes(hand)]

    def unstarted(self) -> list[RunMessage]:
        """The messages that would start a run."""
        live = {(run.id, run.attempt) for run in self.ideal.runs.values() if run.status == "pending"}
        return [message for message in self.messages if (message.run_id, message.attempt) in live]

    @invariant()
    def nothing_is_wrong(self) -> None:
        """What holds after each step, and that the database holds what the model predicts and no other history."""
        before, (after, events) = self.state, observed.look(self.tx, self.seen_events)
        observed.check_live_runs(after)
        observed.check_binding(after)
        observed.check_limits(before, after, self.ideal.consumers)
        observed.check_explained(before, after, events)
        observed.check_equal(after, observed.predicted(self.ideal))
        gone = {str(id) for id in self.deleted}
        written = Counter((case_id, type) for _, case_id, type in events)
        assert written == Counter((str(id), type) for id, type in self.ideal.log if str(id) not in gone)
        self.ideal.log.clear()
        self.state = after
        self.seen_events |= {id for id, _, _ in events}
        World.steps += 1
        World.seen.update(type for _, _, type in events)
