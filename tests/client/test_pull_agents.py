"""Agents elsewhere: what a handler does becomes what an agent in Python would have done, with both clients."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from casework import Complete, Fail, HandOver, Postpone, Request, Transient, agent
from casework.client import Client, Forbidden, NotFound, Unauthorized
from casework.core.roles import Role
from casework.errors import InvalidInput
from client.conftest import REFUND, URL, Works, reason_of


def raising(error):
    def handler(run):
        raise error

    return handler


class Busy(Exception):
    """As of an HTTP client: an answer with a status, and how long to wait."""

    def __init__(self, text):
        super().__init__(text)
        self.status_code, self.headers = 429, {"retry-after": "300"}


OUTCOMES = {
    "complete": (lambda run: Complete("done"), "completed", "done"),
    "complete without a reason": (lambda run: Complete(), "completed", None),
    "fail": (lambda run: Fail("cannot"), "failed", "cannot"),
    "postpone by text": (lambda run: Postpone("2h", "closed"), "postponed", "closed"),
    "postpone by a span": (lambda run: Postpone(timedelta(minutes=90.5), "closed"), "postponed", "closed"),
    "postpone to a moment": (lambda run: Postpone(datetime(2090, 1, 1, tzinfo=UTC), "closed"), "postponed", "closed"),
    "hand over": (lambda run: HandOver("worker", "yours"), "pending", "yours"),
    "hand over to nobody": (lambda run: HandOver("nobody"), "failed", "nobody"),
    "hand over to a long name": (lambda run: HandOver("x" * 101), "failed", "The API refused the agent's outcome: to:"),
    "a reason that is too long": (lambda run: Fail("x" * 5000), "failed", "x" * 2000),
    "a reason that cannot be stored": (lambda run: Fail("a\0b"), "failed", "cannot be stored"),
    "an error": (raising(ValueError("odd")), "failed", "ValueError: odd"),
    "exit": (raising(SystemExit(3)), "failed", "The agent called exit(3)."),
    "nothing": (lambda run: None, "failed", "The agent returned no outcome"),
    "something else": (lambda run: "done", "failed", "The agent returned str instead of an outcome."),
    "transient": (raising(Transient("busy")), "pending", "busy"),
    "transient with a wait": (raising(Transient("busy", retry_after=300)), "pending", "busy"),
    "a time-out": (raising(TimeoutError("slow")), "pending", "slow"),
    "a service that is busy": (raising(Busy("full")), "pending", "full"),
    "a question": (lambda run: run.ask("Which?", options=["a"]), "needs_input", "Which?"),
    "an approval": (lambda run: run.approve("Pay?"), "needs_input", "Pay?"),
    "a form": (lambda run: run.form("How many?", {"type": "integer"}), "needs_input", "How many?"),
    "a group": (lambda run: run.request_all([Request(title="a"), REFUND]), "needs_input", "Refund?"),
}


@pytest.mark.parametrize("case", OUTCOMES)
def test_what_a_handler_does_becomes_its_outcome(works, sync, queue, python_agent, case):
    handler, status, reason = OUTCOMES[case]
    case_id = sync.add_case(queue, "a")["id"]
    assert works(handler) == 1
    found = sync.get_case(case_id)
    assert found["case"]["status"] == status
    assert (reason or "") in (found["events"][-1]["reason"] or "")
    assert len(found["events"][-1]["reason"] or "") <= 2000


def test_a_wait_that_a_service_asked_for_is_kept_and_costs_nothing(works, api, sync, queue):
    sync.add_case(queue, "a")
    for error in (Busy("full"), Transient("busy", retry_after=300)):
        works(raising(error))
        with api.db.begin() as tx:
            assert tx.sql("select ready_at - now() from cases").scalar_one() >= timedelta(seconds=290)
            tx.sql("update cases set ready_at = now()")
    with api.db.begin() as tx:
        assert tx.sql("select failures from runs").scalar_one() == 0


def test_everything_a_run_does_arrives(sync_works, api, sync, queue):
    sync.add_case(queue, "parcel", data={"weight": 3}, labels=[{"key": "to", "value": "north"}], priority="high")

    @agent
    def weighs(run):
        assert (run.case.title, run.case.data, run.case.priority, run.attempt) == ("parcel", {"weight": 3}, "high", 1)
        assert [(label.key, label.value) for label in run.case.labels] == [("to", "north")]
        run.say("weighing")
        run.tool("scale.read", {"unit": "kg"}, result={"weight": 4})
        assert run.step("weigh", lambda: 4) == 4
        run.update(data={"weight": 4}, labels=[*run.case.labels, {"value": "weighed"}], priority="none")
        assert run.case.data == {"weight": 4}
        (new,) = run.add_cases([{"title": "invoice", "key": "i", "ready_at": timedelta(hours=1)}])
        assert run.add_cases([{"title": "again", "key": "i"}]) == []
        assert not run.stop
        return Complete(str(new))

    sync_works(weighs)
    (case,) = sync.find_cases(queue, filters={"status": ["completed"]})
    assert (case["data"], case["priority"]) == ({"weight": 4}, "none")
    assert {label["value"] for label in case["labels"]} == {"north", "weighed"}
    (invoice,) = sync.find_cases(queue, filters={"status": ["postponed"]})
    assert reason_of(sync, case["id"]) == invoice["id"]
    run = f"/v1/runs/{case['claimed_by_run_id'] or api('GET', '/v1/runs')['runs'][0]['id']}"
    said = api("GET", f"{run}/messages")["messages"]
    assert [one["type"] for one in said] == ["text", "tool_call", "tool_result"]


def test_everything_an_async_run_does_arrives(async_works, api, sync, queue):
    sync.add_case(queue, "parcel", data={"weight": 3})

    async def read_scale():
        await asyncio.sleep(0)
        return 4

    async def weighs(run):
        await run.say("weighing")
        await run.tool("scale.read", {"unit": "kg"}, result={"weight": 4})
        assert await run.step("weigh", read_scale) == 4
        both = await asyncio.gather(run.step("b", read_scale), run.step("c", lambda: 5), run.say("both"))
        assert both == [4, 5, None]
        await run.update(data={"weight": 4}, labels=[{"value": "weighed"}])
        assert run.case.data == {"weight": 4}
        (new,) = await run.add_cases([{"title": "invoice", "ready_at": "1h"}])
        await run.sleep(0)
        run.check()
        return Postpone("2h", str(new)) if run.attempt == 1 else Complete()

    async_works.awaiting(weighs, concurrency=1)
    (case,) = sync.find_cases(queue, search="parcel")
    assert (case["data"], [label["value"] for label in case["labels"]]) == ({"weight": 4}, ["weighed"])
    with api.db.begin() as tx:
        kept = {row.name: row.value for row in tx.sql("select name, value from run_steps")}
    assert {name: kept[name] for name in "bc"} == {"b": 4, "c": 5}


def test_reading_takes_a_key_that_may_read(api, sync, sync_works, queue, agent):
    sync.add_cases(queue, [{"title": f"Parcel {n}"} for n in range(3)])
    listed = []

    def lists(run):
        listed.append([case.title for case in run.list_cases(title_contains="parcel", limit=2)])
        return Complete(listed[-1][0])

    Works(api, api.token, False)(lists)
    assert listed[0] == ["Parcel 2", "Parcel 1"]
    sync.add_case(queue, "d")
    sync_works(lists)
    assert "403 forbidden" in reason_of(sync, next(sync.find_cases(queue, search="d"))["id"])


def test_an_agent_is_named_or_given_by_its_id(works, api, sync, queue, agent):
    sync.add_cases(queue, [{"title": "a"}, {"title": "b"}])
    assert works(lambda run: Complete(), agent) == 2
    assert works(lambda run: Complete(), UUID(agent)) == 0
    with pytest.raises(NotFound, match="There is no agent 'nobody'"):
        works(lambda run: Complete(), "nobody")
    foreign = api("POST", "/v1/agents", 201, json={"name": "foreign"})["agent"]["id"]
    for ref in ("foreign", foreign):
        with pytest.raises(NotFound):
            works(lambda run: Complete(), ref)


def test_a_key_that_may_not_work_ends_it_at_once(api, queue, agent):
    with pytest.raises(Unauthorized):
        Client(URL, f"cw_{'0' * 16}_{'A' * 43}", http=api.client).agent(agent).work(lambda run: Complete())
    with pytest.raises(Unauthorized):
        Works(api, f"cw_{'0' * 16}_{'A' * 43}", True)(lambda run: Complete())
    with pytest.raises(Forbidden):
        Works(api, api.key(Role.READER), False)(lambda run: Complete())


def test_a_handler_fits_its_client(sync_works, async_works):
    async def awaits(run):
        return Complete()

    with pytest.raises(InvalidInput, match="use `AsyncClient"):
        sync_works(awaits)
    with pytest.raises(InvalidInput, match="use `Client"):
        async_works.awaiting(lambda run: Complete())
    with pytest.raises(InvalidInput, match="at least 1"):
        async_works.awaiting(awaits, concurrency=0)


def test_a_failure_is_logged_with_its_traceback(sync_works, sync, queue, caplog):
    sync.add_case(queue, "a")
    with caplog.at_level(logging.WARNING, "casework.client"):
        sync_works(raising(ValueError("odd")))
    assert "ValueError: odd" in caplog.text
    assert "in handler" in caplog.text


def test_many_async_runs_go_on_at_once(async_works, api, sync, queue, agent):
    api("PUT", f"/v1/queues/{queue}/consumers/{agent}", json={"concurrency": 50})
    sync.add_cases(queue, [{"title": str(n)} for n in range(60)])
    running, most, all_there = set(), [0], asyncio.Event()

    async def meets(run):
        running.add(run.id)
        most[0] = max(most[0], len(running))
        if len(running) == 20:
            all_there.set()
        await asyncio.wait_for(all_there.wait(), 60)
        running.discard(run.id)
        return Complete()

    assert async_works.awaiting(meets, concurrency=20) == 60
    assert most[0] == 20
    assert {case["status"] for case in sync.find_cases(queue)} == {"completed"}
