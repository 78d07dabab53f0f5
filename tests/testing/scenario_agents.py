"""Agents that come to each rule of questions, steps, outcomes, errors and attempts."""

import asyncio
import sys
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from casework import (
    Action,
    Complete,
    Decision,
    Fail,
    HandOver,
    Outcome,
    Postpone,
    Request,
    Run,
    Transient,
    agent,
)

HOOKS: dict[str, Callable[[], object]] = {}
"""What happens at a place, once: a test of the real engine sets it. The kit has points instead."""

DONE: Counter[str] = Counter()
"""How often each step was done."""


def here(place: str) -> None:
    if hook := HOOKS.pop(place, None):
        hook()


def do(name: str, value: Any = None) -> Any:
    DONE[name] += 1
    here(f"in {name}")
    return value


@agent
def talks(run: Run) -> Outcome:
    for _ in range(2):
        run.say("same")
    here("second tool")
    run.tool("look", {"at": ("a", 1)}, result={"ä": [1.5, None]})
    run.tool("look", {"at": ("a", 1)})
    run.tool("break", error="broken")
    return Complete("talked")


@agent
def returns(run: Run) -> Any:
    outcomes = {
        "complete": Complete("done"),
        "without a reason": Complete(),
        "fail": Fail("no"),
        "hand over": HandOver("other", "not mine"),
        "postpone": Postpone("2h", "closed"),
        "postpone to a moment": Postpone("2027-01-01T00:00:00Z"),
        "nul": Complete("a\0b"),
        "surrogate": Fail("a\udc80"),
        "not even text": Complete(5),  # type: ignore[arg-type]
        "text": "done",
    }
    return outcomes.get(run.case.data)


@agent
def raises(run: Run) -> Outcome:
    match run.case.data:
        case "bug":
            return {}["zip"]
        case "exit":
            sys.exit("enough")
        case "nul":
            raise ValueError("a\0b \udc80")
        case "cancelled":
            raise asyncio.CancelledError
        case "transient group":
            raise ExceptionGroup("two", [TimeoutError("a"), ConnectionError("b")])
        case "mixed group":
            raise ExceptionGroup("two", [TimeoutError("a"), ValueError("b")])
    raise AssertionError(run.case.data)


@agent
def stumbles(run: Run) -> Outcome:
    """Meets temporary errors in its first attempts; some say how long to wait."""
    run.say(f"attempt {run.attempt}")
    run.step(f"step {run.attempt}", lambda: do("step", run.attempt))
    if run.attempt <= run.case.data["times"]:
        raise Transient("busy", retry_after=run.case.data.get("after"))
    return Fail("gives up") if run.case.data.get("fails") else Complete(f"in attempt {run.attempt}")


@agent
def asks(run: Run) -> Outcome:
    colour = run.ask("Which colour?", options=("red", "blue"), description="of the door")
    again = run.ask("Which colour?", options=("red", "blue"))
    name = run.ask("Name?")
    run.say(f"{colour} {again} {name}")
    return Complete() if run.approve("Paint?", "with a brush") else Fail("denied")


@agent
def asks_together(run: Run) -> Outcome:
    refund = Action(name="refund", arguments={"euros": 120})
    decisions = [Decision.APPROVE, Decision.EDIT, Decision.REJECT, Decision.RESPOND]
    wanted = [
        Request(title=f"Your name, in attempt {run.attempt}?", key="name"),
        Request(kind="approval", title="Refund?", action=refund, decisions=decisions),
        Request(kind="form", title="How many?", schema={"properties": {"n": {"type": "integer"}}}),
    ]
    answers = run.request_all(wanted)
    run.say(f"{[(one.decision, one.value, one.arguments, one.message) for one in answers]}")
    return Complete()


@agent
def asks_other_things(run: Run) -> Outcome:
    """In the first two attempts."""
    return Complete(run.ask(f"attempt {min(run.attempt, 2)}"))


@agent
def asks_in_time(run: Run) -> Outcome:
    answer = run.request(Request(kind="approval", title="Sure?", expires="1h", **run.case.data))
    return Complete(answer.decision)


@agent
def asks_what_cannot_be(run: Run) -> Outcome:
    return Complete(run.ask("a\0b?"))


@agent
def comes_back(run: Run) -> Outcome:
    """Waits as often as its case says, and does its step in each run."""
    times = run.step("count", lambda: do("count", run.case.data["times"]))
    run.say(f"{times} left")
    if not times:
        return Complete(f"attempt {run.attempt}")
    run.update(data={"times": times - 1})
    return Postpone(timedelta(hours=2))


@agent
def changes(run: Run) -> Outcome:
    """Changes its case, and spoils what it holds, which is not what is stored."""
    case = run.case
    run.say(f"{case.title} {case.priority} {','.join(map(str, case.labels))} {case.data}")
    if run.attempt == 1:
        run.update(title="new", priority="high", labels=[{"value": "z"}, {"value": "x", "key": "b"}, {"value": "z"}])
        data = {"list": [1, 2], "tuple": (3,)}
        run.update(data=data)
        run.say(f"{run.case.data} {','.join(map(str, run.case.labels))}")
        data["list"].append(3)
        run.case.data["list"].append(4)
        raise Transient("again")
    run.update(data=None)
    return Complete(str(run.case.data))


@agent
def refused(run: Run) -> Outcome:
    """Gives what cannot be taken."""
    match run.case.data:
        case "title":
            run.update(title="")
        case "nothing":
            run.update()
        case "priority":
            run.update(priority="urgent")
        case "data":
            run.update(data={"nan": float("nan")})
        case "step":
            run.step("step", lambda: do("step", object()))
        case "step's name":
            run.step("", lambda: do("step"))
        case "message":
            run.say("a\udc80")
        case "step with a surrogate":
            run.step("step", lambda: do("step", "a\udc80"))
        case "case":
            run.add_cases([{"titel": "a"}])
    return Complete("taken")


@agent
def says_nul(run: Run) -> Outcome:
    run.say("a\0b")
    return Complete(run.step("step", lambda: do("step", "ok")))


@agent
def feeds(run: Run) -> Outcome:
    """Adds cases and looks at them, before a question and after it."""
    new = [
        {"title": "One", "data": {"n": (1,)}, "labels": [{"value": "v", "key": "k"}, {"value": "a"}]},
        {"title": "two", "key": "2", "priority": "high"},
        {"title": "two again", "key": "2"},
        {"title": "later", "ready_at": "2h"},
    ]
    ids = run.add_cases(new)
    known = run.add_cases([{"title": "known", "key": "2"}])
    elsewhere = run.add_cases([{"title": "elsewhere", "key": "2"}], queue="second")
    twice = run.add_cases([{"title": "twice"}]) + run.add_cases([{"title": "twice"}])
    counts = [len(ids), len(known), len(elsewhere), len(set(twice)), all(id.version is None or id.hex for id in ids)]
    run.say(str(counts))
    for find in (
        {},
        {"queue": "second"},
        {"queue": str(run.case.queue_id), "limit": 2},
        {"title_contains": "ONE"},
        {"status": ["postponed"]},
        {"status": ["claimed", "pending"], "title_contains": "o"},
    ):
        found = run.list_cases(**find)
        run.say(
            str([(one.title, one.status.value, one.data, [str(label.value) for label in one.labels]) for one in found])
        )
    run.ask("Go on?")
    return Complete(f"{len(run.list_cases())}")


@agent
def works(run: Run) -> Outcome:
    """Two steps, with something said around them."""
    run.say("begun")
    first = run.step("first", lambda: do("first", {"n": [1, 2]}))
    here("after first")
    run.say(f"first: {first}")
    here("second say done")
    second = run.step("second", lambda: do("second", run.attempt))
    here("after second")
    return Complete(f"{second} {run.idempotency_key('x') == run.idempotency_key('x')}")


@agent
async def works_async(run: Run) -> Outcome:
    run.say("begun")

    async def second() -> int:
        await asyncio.sleep(0)
        DONE["second"] += 1
        here("in second")
        return run.attempt

    async def first() -> dict[str, Any]:
        await asyncio.sleep(0)
        return do("first", {"n": [1, 2]})

    value = await run.step("first", lambda: first())
    here("after first")
    run.say(f"first: {value}")
    here("second say done")
    await asyncio.sleep(0)
    number = await run.step("second", second)
    here("after second")
    return Complete(f"{number} True")


@agent
def never_gives_up(run: Run) -> Outcome:
    """Swallows what stops it, as an agent should not."""
    try:
        run.say("begun")
        run.step("first", lambda: do("first", 1))
        here("after first")
        here("second say")
        run.say("goes on")
    except BaseException as error:
        return Complete(f"swallowed {type(error).__name__}")
    return Complete("done")


@agent
def remembers_a_tuple(run: Run) -> Outcome:
    """Which is a list when it comes from the record, and so it is said again."""
    run.say(str(run.step("tuple", lambda: do("tuple", (1, 2)))))
    here("said")
    run.say("again")
    return Complete()
