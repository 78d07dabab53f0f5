"""A run of an agent elsewhere that goes on has its answers, steps, states and usage."""

from datetime import datetime, timedelta

from casework import Complete, Fail, Request, Transient
from casework.client import Client
from client.conftest import REFUND, URL, reason_of


def test_a_resumed_run_has_the_decisions_of_its_group(works, api, sync, queue):
    case_id = sync.add_case(queue, "a")["id"]

    def told(answers):
        refund, name = answers
        return Complete(f"{refund.decision} {refund.arguments} {refund.message} by {refund.by}, {name.value}")

    def asks(run):
        return told(run.request_all([REFUND, Request(title="Name?")]))

    async def asks_async(run):
        return told(await run.request_all([REFUND, Request(title="Name?")]))

    def work():
        works.awaiting(asks_async) if works.is_async else works(asks)

    work()
    refund, name = sync.list_requests()
    assert all(refund[field] == getattr(REFUND, field) for field in ("title", "description", "key", "on_expiry"))
    assert all(refund[field] == [*getattr(REFUND, field)] for field in ("decisions", "assignees"))
    span = datetime.fromisoformat(refund["expires_at"]) - datetime.fromisoformat(refund["created_at"])
    assert span == timedelta(hours=2)
    ann = Client(URL, api.token, http=api.client, person="Ann")
    sync.answer(name, "Bob")
    ann.edit(refund, {"euros": 5}, message="less")
    work()
    assert reason_of(sync, case_id) == "edit {'euros': 5} less by Ann, Bob"


def test_a_question_that_has_changed_is_told_and_asked_again(works, api, sync, queue):
    sync.add_case(queue, "a")
    words = ["old", "new"]

    def asks(run):
        return Complete(run.ask(words[run.attempt - 1]))

    async def asks_async(run):
        return Complete(await run.ask(words[run.attempt - 1]))

    def work():
        works.awaiting(asks_async) if works.is_async else works(asks)

    work()
    (asked,) = sync.list_requests()
    sync.answer(asked, "x")
    work()
    (again,) = sync.list_requests()
    assert again["title"] == "new"
    (notice,) = api("GET", f"/v1/runs/{again['run_id']}/messages")["messages"]
    assert (notice["type"], "'old' before" in notice["text_content"]) == ("notice", True)


def test_states_and_usage_arrive(works, api, sync, queue):
    sync.add_case(queue, "a")

    def keeps(run):
        return [
            run.state.load("a"),
            run.state.save("a", b"\xff"),
            run.state.load("a"),
            run.state.save("b", b""),
            run.state.names(),
            run.state.delete("b"),
            run.state.names("b"),
            run.usage(input_tokens=3, output_tokens=2, requests=1, cost=0.5, model="m", key="k"),
            run.usage(input_tokens=3, key="k"),
            run.usage(requests=1),
            run.stream("x" * 100_000),
        ]

    found = []

    async def keeps_async(run):
        state, calls = run.state, []
        for call in (
            lambda: state.load("a"),
            lambda: state.save("a", b"\xff"),
            lambda: state.load("a"),
            lambda: state.save("b", b""),
            state.names,
            lambda: state.delete("b"),
            lambda: state.names("b"),
            lambda: run.usage(input_tokens=3, output_tokens=2, requests=1, cost=0.5, model="m", key="k"),
            lambda: run.usage(input_tokens=3, key="k"),
            lambda: run.usage(requests=1),
            lambda: run.stream("x" * 100_000),
        ):
            calls.append(await call())
        found.extend(calls)
        return Complete()

    def keeps_plainly(run):
        found.extend(keeps(run))
        return Complete()

    if works.is_async:
        works.awaiting(keeps_async)
    else:
        works(keeps_plainly)
    assert found == [None, None, b"\xff", None, ["a", "b"], None, [], *[None] * 4]
    (run,) = api("GET", "/v1/runs")["runs"]
    assert run["usage"] == {"input_tokens": 3, "output_tokens": 2, "requests": 2, "cost": 0.5, "models": ["m"]}


def test_a_resumed_run_has_its_answers_and_steps(works, sync, queue):
    case_id = sync.add_case(queue, "a")["id"]
    looked = []

    def look():
        looked.append(1)
        return [1]

    def asks(run):
        run.say("looking")
        assert run.step("look", look) == [1]
        if not run.approve("Go on?"):
            return Fail("denied")
        return Complete(run.ask("Which?"))

    async def asks_async(run):
        await run.say("looking")
        assert await run.step("look", look) == [1]
        if not await run.approve("Go on?"):
            return Fail("denied")
        return Complete(await run.ask("Which?"))

    def work():
        works.awaiting(asks_async) if works.is_async else works(asks)

    work()
    sync.approve(sync.list_requests()[0])
    work()
    sync.answer(sync.list_requests()[0], "the red one")
    work()
    assert (sync.get_case(case_id)["case"]["status"], reason_of(sync, case_id)) == ("completed", "the red one")
    assert looked == [1]


def test_added_cases_are_the_same_after_a_crash(sync_works, api, sync, queue):
    sync.add_case(queue, "parent")
    found = []

    def adds(run):
        found.append(run.add_cases([{"title": "child", "ready_at": "1h"}]))
        if run.attempt == 1:
            raise Transient("busy")
        return Complete()

    sync_works(adds)
    with api.db.begin() as tx:
        tx.sql("update cases set ready_at = now() where status = 'pending'")
    sync_works(adds)
    assert found[0] == found[1]
    assert len(list(sync.find_cases(queue))) == 2
