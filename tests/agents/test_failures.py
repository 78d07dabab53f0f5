"""Whatever an agent raises is a result at once."""

import asyncio
import multiprocessing
import sys

import pytest

from calling import call
from casework import Complete, agent
from casework.agents.failures import result_of
from casework.agents.results import Asked, Crashed, Lost, Returned, Stopped
from casework.agents.stop import Interrupted, Stop
from casework.errors import RunLost, Transient


class GreenTimeout(BaseException):
    """As gevent's and trio's time-outs: not an Exception."""


class Unprintable(Exception):
    def __str__(self):
        raise SystemExit("from __str__")


class Unreadable(Exception):
    def __getattribute__(self, name):
        raise RuntimeError("not to be read")

    def __str__(self):
        return "not to be shown"


class UnreadableGroup(ExceptionGroup):
    @property
    def exceptions(self):
        raise RuntimeError("not to be read")


class UnreadableExit(SystemExit):
    @property
    def code(self):
        raise RuntimeError("not to be read")


def raising(error):
    @agent
    def plain(run):
        raise error

    @agent
    async def on_the_loop(run):
        await asyncio.sleep(0)
        raise error

    return plain, on_the_loop


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: ValueError("a bug"), "ValueError: a bug"),
        (lambda: GreenTimeout("5 s"), "GreenTimeout: 5 s"),
        (GeneratorExit, "GeneratorExit"),
        (KeyboardInterrupt, "KeyboardInterrupt"),
        (lambda: SystemExit("enough"), "The agent called exit('enough')."),
        (
            asyncio.CancelledError,
            "CancelledError: the agent was cancelled, although nobody asked its run to stop",
        ),
        (lambda: BaseExceptionGroup("two", [GreenTimeout("5 s"), ValueError()]), "GreenTimeout: 5 s"),
        (Unprintable, "Unprintable: (its text cannot be read)"),
        (lambda: UnreadableGroup("two", [ValueError("one")]), "ValueError: one"),
        (lambda: UnreadableExit(3), "The agent called exit(3)."),
        (Unreadable, "Unreadable: not to be shown"),
    ],
)
def test_whatever_is_raised_fails_the_case_with_its_name_and_traceback(make, reason):
    for one in raising(make()):
        result = call(one)
        assert isinstance(result, Crashed)
        assert (result.reason, result.transient) == (reason, False)
        assert f"in {one.__name__}" in result.traceback


def test_a_long_traceback_is_kept_with_its_beginning_and_its_end():
    def chain():
        error = ValueError("the first")
        for number in range(3000):
            following = ValueError(f"number {number} {'x' * 100}")
            following.__cause__ = error
            error = following
        return error

    for result in map(call, raising(chain())):
        assert "ValueError: the first\n" in result.traceback[:1000]
        assert "characters are left out" in result.traceback
        assert "number 2999" in result.traceback[-1000:]
        assert len(result.traceback) < 210_000


def test_a_group_of_passing_errors_is_transient_and_its_first_is_named():
    inner = ExceptionGroup("unhandled errors in a TaskGroup", [ConnectionError("refused"), TimeoutError()])
    for one in raising(ExceptionGroup("unhandled errors in a TaskGroup", [inner])):
        result = call(one)
        assert (result.reason, result.transient) == ("ConnectionError: refused", True)


def test_an_error_from_a_task_group_is_as_transient_as_its_cause():
    async def connects():
        raise ConnectionRefusedError("refused")

    @agent
    async def in_a_group(run):
        async with asyncio.TaskGroup() as group:
            group.create_task(connects())
        return Complete()

    result = call(in_a_group)
    assert (result.reason, result.transient) == ("ConnectionRefusedError: refused", True)


def test_the_wait_that_is_asked_for_is_part_of_the_result():
    for one in raising(Transient("busy", retry_after=8)):
        result = call(one)
        assert (result.reason, result.transient, result.retry_after) == ("Transient: busy", True, 8)


def test_signals_of_casework_count_inside_groups_too():
    stop = Stop()
    assert isinstance(result_of(BaseExceptionGroup("x", [RunLost(), ValueError()]), stop), Lost)
    assert isinstance(result_of(BaseExceptionGroup("x", [Interrupted()]), stop), Crashed)
    stop.request()
    assert isinstance(result_of(BaseExceptionGroup("x", [Interrupted(), ValueError()]), stop), Stopped)


def test_a_question_of_a_task_in_a_group_is_asked():
    async def asks(run):
        run.ask("Which colour?")

    @agent
    async def in_a_group(run):
        async with asyncio.TaskGroup() as group:
            group.create_task(asks(run))
        return Complete()

    result = call(in_a_group)
    assert isinstance(result, Asked)
    assert [one.request.title for one in result.wait.placed] == ["Which colour?"]


def test_a_pools_process_that_has_to_end_releases_its_run():
    """The handler of a pool's signal raises SystemExit wherever the agent is."""
    handler = {"__name__": "billiard.common", "sys": sys}
    exec("def end(): sys.exit(-241)", handler)

    @agent
    def ended(run):
        handler["end"]()

    assert isinstance(call(ended), Stopped)


@agent
def starts_a_process(run):
    multiprocessing.get_context("spawn").Process(target=print).start()


def reason_in(pipe):
    pipe.send(call(starts_a_process).reason)


def test_processes_that_a_prefork_pool_forbids_are_explained():
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    # As the processes of a prefork pool are.
    process = context.Process(target=reason_in, args=(there,), daemon=True)
    process.start()
    assert here.poll(60)
    reason = here.recv()
    process.join(60)
    assert "daemonic processes are not allowed to have children" in reason
    assert "casework worker --pool threads" in reason


def test_outcomes_are_returned():
    @agent
    def completes(run):
        return Complete("done")

    assert call(completes) == Returned(Complete("done"))
