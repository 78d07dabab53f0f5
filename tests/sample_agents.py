"""Agents that tests work with: each does one thing."""

import asyncio
import ctypes
import json
import multiprocessing
import os
import resource
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from casework import Complete, Fail, HandOver, Outcome, Postpone, Run, Transient, agent
from casework.core.requests import request_of
from casework.worker.process import this_process


@agent
def completes(run: Run) -> Outcome:
    return Complete("done")


@agent
def sleeps(run: Run) -> Outcome:
    """Sleeps as long as its case says, without looking up."""
    time.sleep(run.case.data["seconds"])
    return Complete("slept")


@agent
def loops(run: Run) -> Outcome:
    """Works until it is asked to stop."""
    run.say("looping")
    while True:
        run.check()
        time.sleep(0.02)


@agent
def ignores_the_stop(run: Run) -> Outcome:
    """Ignores stop requests for a while, and then completes."""
    run.say("begun")
    time.sleep(run.case.data["seconds"])
    return Complete("too late")


@agent
async def loops_async(run: Run) -> Outcome:
    run.say("looping")
    while True:
        await asyncio.sleep(60)


@agent
async def blocks_the_loop(run: Run) -> Outcome:
    """Keeps all agents of its process waiting, and is never asked whether it wants to stop."""
    time.sleep(300)
    return Complete("too late")


@agent
async def waits_at_first(run: Run) -> Outcome:
    """Waits for long in its first attempt."""
    run.say("waiting")
    if run.attempt == 1:
        await asyncio.sleep(300)
    return Complete(f"in attempt {run.attempt}")


@agent
async def completes_async(run: Run) -> Outcome:
    await asyncio.sleep(0)
    return Complete(f"in attempt {run.attempt}")


@agent
def fails(run: Run) -> Outcome:
    return Fail("not today")


@agent
def raises(run: Run) -> Outcome:
    raise ValueError("a bug")


@agent
def is_transient(run: Run) -> Outcome:
    raise Transient("try later")


@agent
def is_asked_to_wait(run: Run) -> Outcome:
    """By a service that is busy, in all attempts but the last ones."""
    if run.attempt <= run.case.data["attempts"]:
        raise Transient("busy", retry_after=run.case.data["seconds"])
    return Complete(f"in attempt {run.attempt}")


@agent
async def exits_on_the_loop(run: Run) -> Outcome:
    sys.exit("enough")


@agent
async def exits_if_told(run: Run) -> Outcome:
    """By its case."""
    await asyncio.sleep(0.1)
    if run.case.data == "exits":
        sys.exit("enough")
    return Complete("went on")


@agent
def starts_a_process(run: Run) -> Outcome:
    multiprocessing.get_context("spawn").Process(target=print).start()
    return Complete("started")


@agent
def is_cancelled(run: Run) -> Outcome:
    raise asyncio.CancelledError


@agent
def recovers(run: Run) -> Outcome:
    if run.attempt == 1:
        raise ConnectionResetError("reset")
    return Complete("recovered")


@agent
def forgets(run: Run) -> Outcome:
    return None  # type: ignore[return-value]


@agent
def postpones(run: Run) -> Outcome:
    """Comes back once, after what its case says."""
    if run.case.data.get("waited"):
        return Complete("came back")
    run.update(data={**run.case.data, "waited": True})
    return Postpone(run.case.data["wait"], reason="not yet")


@agent
def hands_over(run: Run) -> Outcome:
    return HandOver(run.case.data["to"], reason="not mine")


@agent
def asks(run: Run) -> Outcome:
    """Says something, does a step, asks, and goes on with the answer."""
    run.say("before")
    run.say("before")
    number = run.step("count", lambda: _count(run))
    colour = run.ask("Which colour?", options=("red", "blue"))
    run.say(f"it is {colour}")
    if not run.approve("Really?"):
        return Fail("denied")
    return Complete(f"{colour} {number}")


def _count(run: Run) -> int:
    run.tool("counter", {"by": 1}, result=1)
    return run.attempt


@agent
def feeds(run: Run) -> Outcome:
    """Adds two cases, once, and asks in between."""
    run.add_cases([{"title": "child 1", "data": {"n": 1}}, {"title": "child 2"}], queue=run.case.data["queue"])
    run.ask("Go on?")
    run.add_cases([{"title": "child 3"}], queue=run.case.data["queue"])
    return Complete(f"{len(run.list_cases(run.case.data['queue']))} children")


@agent
def is_poison(run: Run) -> Outcome:
    """Ends its process, each time, in the way that its case says."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    match run.case.data:
        case "exits":
            os._exit(7)
        case "segfaults":
            ctypes.string_at(0)
        case "is killed":
            os.kill(os.getpid(), signal.SIGKILL)
    return Complete("survived")


@agent
def wants_all_memory(run: Run) -> Outcome:
    """Meets the limit of its process."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 2**26, before[1]))
    try:
        return Complete(str(len(bytearray(2**30))))
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@agent
def says_much(run: Run) -> Outcome:
    """As many letters as its case says: in a message, a step and its case's data."""
    text = "x" * run.case.data["size"]
    run.say(text)
    run.update(data={"text": run.step("text", lambda: text)})
    return Complete("said")


@agent
def names_a_step_by_its_data(run: Run) -> Outcome:
    return Complete(run.step(run.case.data, lambda: "done"))


@agent
def holds_the_interpreter(run: Run) -> Outcome:
    """Lets no other thread of its process run, in its first attempt, as long as its case says."""
    if run.attempt == 1:
        ctypes.PyDLL(None).usleep(int(run.case.data["seconds"] * 1e6))
    return Complete(f"in attempt {run.attempt}")


@agent
def logs_its_span(run: Run) -> Outcome:
    """Leaves a line when it begins and one when it ends, where the test can read them."""
    _log("begin", run)
    time.sleep(run.case.data["seconds"])
    _log("end", run)
    return Complete("logged")


@agent
def long_at_first(run: Run) -> Outcome:
    """Sleeps for a minute in its first attempt, without looking up."""
    if run.attempt == 1:
        run.say("begun")
        time.sleep(60)
    return Complete(f"in attempt {run.attempt}")


def _log(word: str, run: Run) -> None:
    with open(os.environ["SAMPLE_LOG"], "a") as log:
        log.write(f"{word} {run.case.id} {run.attempt} {time.time()}\n")


@agent
def is_deferred(run: Run) -> Outcome:
    """Says so in the log, in a process that carries its completion as long as the test wants."""
    completions = this_process().executor.completions
    completions.limits = replace(completions.limits, deferred=float(os.environ["SAMPLE_DEFER_SECONDS"]))
    with Path(os.environ["SAMPLE_LOG"]).open("a") as log:
        log.write(f"{run.id}\n")
    return Complete("done")


@agent
def says_nul(run: Run) -> Outcome:
    return Complete("a\0b")


@agent
def raises_nul(run: Run) -> Outcome:
    raise ValueError("a\0b \udc80")


@agent
def asks_nul(run: Run) -> Outcome:
    return Complete(run.ask("a\0b?"))


@agent
def repeats_the_title(run: Run) -> Outcome:
    """Wherever an agent can say something."""
    title = run.case.title
    run.say(title)
    run.tool(title, {title: title}, result=title)
    run.ask(title, description=title, options=[title, "no"])
    raise ValueError(title)


@agent
def quotes_its_environment(run: Run) -> Outcome:
    """As errors of clients do, which name what they connected to."""
    secret = os.environ["SAMPLE_SECRET"]
    raise RuntimeError(f"cannot connect to {os.environ['CASEWORK_DATABASE_URL']}, with {len(secret)} characters")


@agent
def triages(run: Run) -> Outcome:
    """Sorts its case: changes its priority and labels, besides its title."""
    run.update(title="sorted", priority="high", labels=[*run.case.labels, {"key": "team", "value": "north"}])
    return Complete(f"{run.case.title}, {run.case.priority}, {', '.join(map(str, run.case.labels))}")


@agent
async def triages_async(run: Run) -> Outcome:
    await asyncio.sleep(0)
    run.update(priority="medium")
    run.update(labels=[{"value": "seen"}])
    return Complete(f"{run.case.priority}, {', '.join(map(str, run.case.labels))}")


@agent
def updates_as_told(run: Run) -> Outcome:
    """Updates its case with what the case says."""
    run.update(**run.case.data)
    return Complete("updated")


@agent
def asks_what_its_case_says(run: Run) -> Outcome:
    """Tells and asks what stands in its case, and completes with the answers as JSON."""
    for text in run.case.data.get("says", ()):
        run.say(text)
        run.tool(text, {"query": text}, result={"found": text})
    answers = run.request_all([request_of(given) for given in run.case.data["requests"]])
    told = [
        {"decision": one.decision, "value": one.value, "arguments": one.arguments, "message": one.message}
        for one in answers
    ]
    return Complete(json.dumps(told, default=dict))
