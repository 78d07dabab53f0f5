"""The loop that the async agents of a process share: no agent ends it for the others."""

import asyncio
import sys
import threading
import time

import pytest

from calling import call, call_aside
from casework import Complete, agent
from casework.agents.results import Crashed, Returned, Stopped
from casework.agents.stop import Stop
from patience import wait_for

SECONDS = 60


class Patient:
    """An agent that waits for the test's word."""

    def __init__(self):
        self.waits, self.may_end = threading.Event(), asyncio.Event()
        self.loop = None

    def agent(self):
        @agent
        async def waits(run):
            self.loop = asyncio.get_running_loop()
            self.waits.set()
            await self.may_end.wait()
            return Complete("waited")

        return waits

    def begin(self, stop=None):
        result = call_aside(self.agent(), stop)
        assert self.waits.wait(SECONDS)
        return result

    def end(self):
        self.loop.call_soon_threadsafe(self.may_end.set)


async def exits():
    sys.exit("of a task")


@agent
async def raises_exit(run):
    sys.exit("enough")


@agent
async def raises_keyboard_interrupt(run):
    raise KeyboardInterrupt


@agent
async def stops_the_loop(run):
    asyncio.get_running_loop().stop()
    return Complete()


@agent
async def has_a_task_that_exits(run):
    await asyncio.create_task(exits())


@agent
async def has_a_callback_that_exits(run):
    asyncio.get_running_loop().call_soon(sys.exit)
    await asyncio.sleep(0)
    return Complete()


@agent
async def cancels_all_others(run):
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    return Complete()


@agent
async def cancels_all(run):
    for task in asyncio.all_tasks():
        task.cancel()
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("unruly", "reason"),
    [
        (raises_exit, "The agent called exit('enough')."),
        (raises_keyboard_interrupt, "KeyboardInterrupt"),
        (has_a_task_that_exits, "The agent called exit('of a task')."),
        (cancels_all, "CancelledError: the agent was cancelled, although nobody asked its run to stop"),
        (stops_the_loop, None),
        (has_a_callback_that_exits, None),
        (cancels_all_others, None),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_an_unruly_agent_ends_alone_and_the_others_go_on(unruly, reason):
    patient, later = Patient(), Patient()
    waiting = patient.begin()
    result = call_aside(unruly).result(SECONDS)
    assert result == Returned(Complete()) if reason is None else result.reason == reason
    one_more = later.begin()
    patient.end()
    later.end()
    assert waiting.result(SECONDS) == one_more.result(SECONDS) == Returned(Complete("waited"))


@agent
async def closes_the_loop(run):
    """As soon as it does not run any more."""
    loop = asyncio.get_running_loop()
    loop.run_forever = loop.close
    loop.stop()
    await asyncio.sleep(60)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_loop_that_is_closed_fails_its_agents_and_is_replaced():
    stop = Stop()
    waiting = Patient().begin(stop)
    closed = call_aside(closes_the_loop).result(SECONDS)
    for result in (closed, waiting.result(SECONDS)):
        assert isinstance(result, Crashed)
        assert "was closed by one of them" in result.reason
        assert result.transient
    stop.request()  # A heartbeat may ask late; the closed loop does not matter to it.
    patient = Patient()
    another = patient.begin()
    patient.end()
    assert another.result(SECONDS) == Returned(Complete("waited"))


def test_a_stop_cancels_an_agent_at_its_next_await():
    stop = Stop()
    waiting = Patient().begin(stop)
    stop.request()
    assert isinstance(waiting.result(SECONDS), Stopped)


def test_an_agent_that_is_stopped_before_its_first_step_stops():
    stop = Stop()
    stop.request()
    assert isinstance(call_aside(Patient().agent(), stop).result(SECONDS), Stopped)


def test_an_agent_may_cancel_its_own_tasks_and_time_out():
    @agent
    async def has_tasks_of_its_own(run):
        task = asyncio.create_task(asyncio.sleep(60))
        await asyncio.sleep(0)
        task.cancel()
        try:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(60)
        except TimeoutError:
            return Complete("timed out")

    assert call(has_tasks_of_its_own) == Returned(Complete("timed out"))


class Blocking:
    """An agent that blocks its loop, until the test's word."""

    def __init__(self):
        self.blocks, self.may_end = threading.Event(), threading.Event()
        self.stop = Stop()

    def begin(self, *, in_task=False):
        @agent
        async def blocks(run):
            async def work():
                self.blocks.set()
                self.may_end.wait(SECONDS)

            await (asyncio.create_task(work()) if in_task else work())
            return Complete("blocked")

        result = call_aside(blocks, self.stop)
        assert self.blocks.wait(SECONDS)
        return result


@pytest.mark.parametrize("in_task", [False, True])
def test_a_loop_blocked_by_an_agent_whose_time_is_over_is_given_up(in_task):
    other_stop = Stop()
    waiting = Patient().begin(other_stop)
    blocking = Blocking()
    blocked = blocking.begin(in_task=in_task)
    blocking.stop.request()

    def released():
        blocking.stop.overstay()
        return waiting.done()

    wait_for(released, "the release of what waits on the blocked loop")
    assert (waiting.result(), other_stop.requested) == (Stopped(), True)
    later = Patient()
    one_more = later.begin()
    later.end()
    assert one_more.result(SECONDS) == Returned(Complete("waited"))
    assert not blocked.done()
    blocking.may_end.set()
    assert isinstance(blocked.result(SECONDS), Returned | Stopped)


def test_a_loop_blocked_by_an_agent_that_may_is_left_to_it():
    patient, other, over = Patient(), Patient(), Stop()
    waiting, ended = patient.begin(), other.begin(over)
    blocking = Blocking()
    blocked = blocking.begin(in_task=True)
    over.request()

    def released():
        over.overstay()
        return ended.done()

    wait_for(released, "the release of the run whose time is over")
    assert (ended.result(), waiting.done(), blocked.done()) == (Stopped(), False, False)
    blocking.may_end.set()
    assert blocked.result(SECONDS) == Returned(Complete("blocked"))
    patient.end()
    assert waiting.result(SECONDS) == Returned(Complete("waited"))


def test_an_agent_that_goes_on_without_blocking_disturbs_nobody():
    stop, patient, may_end = Stop(), Patient(), threading.Event()

    @agent
    async def ignores(run):
        while not may_end.is_set():
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                continue
        return Complete("at last")

    waiting, ignoring = patient.begin(), call_aside(ignores, stop)
    stop.request()
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        stop.overstay()
        time.sleep(0.05)
    assert not waiting.done()
    patient.end()
    assert waiting.result(SECONDS) == Returned(Complete("waited"))
    may_end.set()
    assert ignoring.result(SECONDS) == Returned(Complete("at last"))


def test_a_stopped_agent_has_ended_when_its_threads_have():
    begins, may_end, ended = threading.Event(), threading.Event(), []

    def blocks():
        begins.set()
        may_end.wait(SECONDS)
        ended.append(True)

    @agent
    async def calls(run):
        await asyncio.to_thread(blocks)

    stop = Stop()
    result = call_aside(calls, stop)
    assert begins.wait(SECONDS)
    stop.request()
    other = Patient()
    others_result = other.begin()
    assert not result.done()
    other.end()
    assert others_result.result(SECONDS) == Returned(Complete("waited"))
    may_end.set()
    assert result.result(SECONDS) == Stopped()
    assert ended == [True]


def test_an_agent_that_ends_by_itself_does_not_wait_for_threads():
    begins, may_end = threading.Event(), threading.Event()

    def blocks():
        begins.set()
        may_end.wait(SECONDS)

    @agent
    async def leaves(run):
        asyncio.get_running_loop().run_in_executor(None, blocks)
        while not begins.is_set():
            await asyncio.sleep(0)
        return Complete("left")

    assert call(leaves) == Returned(Complete("left"))
    may_end.set()
