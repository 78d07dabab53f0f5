"""What an agent asks when it starts from its top again: each answer goes to the request that it was given to."""

from typing import ClassVar

import pytest

from casework import Action, Complete, Decision, Fail, Request, agent
from casework.core.lifecycle import CaseStatus
from casework.errors import InvalidInput
from casework.testing import Answering, run_agent

REFUND = Action(name="refund", arguments={"euros": 120})


def notices(result):
    return [message.content["text"] for message in result.messages if message.type == "notice"]


def in_order(*answers):
    """Answers in the order in which the requests are made."""
    left = list(answers)
    return lambda _: left.pop(0)


def test_a_question_that_is_asked_twice_is_two_questions():
    @agent
    def asks(run):
        return Complete(f"{run.ask('Name?')} and {run.ask('Name?')}")

    result = run_agent(asks, answers=in_order("Ann", "Bob"))
    assert result.reason == "Ann and Bob"


class Wording:
    """Asks with other words in each attempt, as a model would."""

    words: ClassVar = ["Which zip?", "What is the zip code?", "Zip, please?"]

    def __init__(self, key=None):
        self.key = key

    def agent(self):
        @agent
        def asks(run):
            words = self.words[min(run.attempt, 3) - 1]
            return Complete(run.ask(words, key=self.key))

        return asks


def test_a_key_finds_the_answer_whatever_the_words():
    result = run_agent(Wording("zip").agent(), answers=lambda _: "12345")
    assert (result.reason, len(result.requests), notices(result)) == ("12345", 1, [])


def test_other_words_at_a_place_are_asked_again_and_told():
    result = run_agent(Wording().agent(), answers=in_order("first", "second", "third"))
    assert [one.title for one in result.requests] == ["Which zip?", "What is the zip code?", "Zip, please?"]
    assert result.reason == "third"
    assert "asks 'What is the zip code?', where it asked 'Which zip?'" in notices(result)[0]


def test_what_is_not_asked_again_is_passed_over():
    @agent
    def asks(run):
        data = run.case.data
        if "zip" not in data:
            data = {**data, "zip": run.ask("Which zip?")}
            run.update(data=data)
        name = run.ask("Name?")
        again = run.ask("Name?")
        return Complete(f"{data['zip']} {name} {again}")

    result = run_agent(asks, data={}, answers=in_order("12345", "Ann", "Bob"))
    assert (result.reason, len(result.requests), notices(result)) == ("12345 Ann Bob", 3, [])


def test_questions_in_another_order_are_asked_again_and_told():
    @agent
    def asks(run):
        order = "ab" if run.attempt < 3 else "ba"
        return Complete(" ".join(f"{name}={run.ask(name)}" for name in order))

    result = run_agent(asks, answers=in_order("1", "2", "3"))
    assert [one.title for one in result.requests] == ["a", "b", "a"]
    assert result.reason == "b=2 a=3"
    assert "has another place" in notices(result)[0]


def test_what_was_asked_anew_keeps_its_place_from_then_on():
    @agent
    def asks(run):
        first = run.ask("old" if run.attempt == 1 else "new")
        return Complete(f"{first} {run.ask('second')} {run.ask('third')}")

    result = run_agent(asks, answers=in_order("o", "n", "2", "3"))
    assert [one.title for one in result.requests] == ["old", "new", "second", "third"]
    assert result.reason == "n 2 3"


def test_an_approval_of_one_action_does_not_go_to_another():
    @agent
    def pays(run):
        euros = 120 if run.attempt == 1 else 9000
        action = Action(name="refund", arguments={"euros": euros})
        answer = run.request(Request(kind="approval", title="Refund?", action=action))
        return Complete(f"{answer.arguments}") if answer.approved else Fail("no")

    result = run_agent(pays, answers=in_order(True, False))
    assert (result.status, len(result.requests)) == (CaseStatus.FAILED, 2)
    assert "'Refund?' has changed" in notices(result)[0]


def test_an_approval_by_key_does_what_people_saw():
    @agent
    def pays(run):
        action = Action(name="refund", arguments={"euros": run.attempt})
        answer = run.request(Request(kind="approval", title="Refund?", action=action, key="call-1"))
        return Complete(str(answer.arguments))

    assert run_agent(pays, answers={"call-1": True}).reason == "{'euros': 1}"


def test_one_key_for_two_requests_of_an_attempt_is_an_error():
    @agent
    def asks(run):
        run.ask("a", key="same")
        return Complete(run.ask("b", key="same"))

    result = run_agent(asks, answers=lambda _: "x")
    assert (result.status, "have the key 'same'" in result.reason) == (CaseStatus.FAILED, True)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (True, ("approve", {"euros": 120}, None)),
        (Answering(arguments={"euros": 5}), ("edit", {"euros": 5}, None)),
        (Answering(decision=Decision.REJECT, message="no money"), ("reject", None, "no money")),
        (Answering(decision=Decision.RESPOND, value="ask Bob"), ("respond", None, None)),
    ],
)
def test_an_agent_gets_the_decision_with_what_belongs_to_it(given, expected):
    @agent
    def pays(run):
        decisions = [Decision.APPROVE, Decision.EDIT, Decision.REJECT, Decision.RESPOND]
        answer = run.request(Request(kind="approval", title="Refund?", action=REFUND, decisions=decisions))
        got.append((answer.decision, answer.arguments, answer.message))
        return Complete()

    got = []
    run_agent(pays, answers={"Refund?": given})
    assert got == [expected]


def test_a_group_is_one_wait_and_each_gets_its_own_answer():
    @agent
    async def asks(run):
        first, second = run.request_all([Request(title="a"), Request(kind="approval", title="b")])
        return Complete(f"{first.value} {second.approved} in attempt {run.attempt}")

    assert run_agent(asks, answers={"a": "yes", "b": False}).reason == "yes False in attempt 2"
    waiting = run_agent(asks, answers={"b": True})
    assert (waiting.status, [one.answer for one in waiting.requests]) == (CaseStatus.NEEDS_INPUT, [None, True])


def test_tasks_that_ask_side_by_side_share_one_wait():
    @agent
    async def asks(run):
        async def one(name):
            return run.ask(name, key=name)

        import asyncio

        async with asyncio.TaskGroup() as tasks:
            both = [tasks.create_task(one(name)) for name in ("a", "b")]
        return Complete(" ".join(task.result() for task in both) + f" in attempt {run.attempt}")

    assert run_agent(asks, answers={"a": "1", "b": "2"}).reason == "1 2 in attempt 2"


def test_a_form_gives_a_value_that_fits():
    @agent
    def asks(run):
        schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
        return Complete(str(run.form("How many?", schema)["n"] + 1))

    assert run_agent(asks, answers={"How many?": {"n": 2}}).reason == "3"
    with pytest.raises(InvalidInput, match="does not fit"):
        run_agent(asks, answers={"How many?": {"n": "2"}})


@pytest.mark.parametrize(
    ("options", "status", "reason"),
    [
        ({}, "failed", "nobody answered in time: Sure?"),
        ({"on_expiry": "postpone", "postpone_for": "1d"}, "postponed", "nobody answered in time: Sure?"),
        ({"on_expiry": "default", "default": False}, "completed", "reject"),
        ({"on_expiry": "continue"}, "completed", "expired"),
    ],
)
def test_time_passes_until_a_request_expires(options, status, reason):
    @agent
    def asks(run):
        answer = run.request(Request(kind="approval", title="Sure?", expires="1h", **options))
        return Complete(answer.decision)

    result = run_agent(asks, answers={"Sure?": Decision.EXPIRED})
    assert (result.status, result.reason) == (status, reason)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"title": ""}, "question is empty"),
        ({"kind": "poll"}, "kind 'poll' does not exist"),
        ({"kind": "form"}, "needs a schema"),
        ({"options": "ab"}, r"write \['ab'\]"),
        ({"decisions": ["edit"]}, "does not belong to a request of kind question"),
        ({"kind": "approval", "decisions": ["edit"]}, "needs an action"),
        ({"kind": "approval", "decisions": ["reject"]}, "asks nothing"),
        ({"approvals": 2}, "Several approvals"),
        ({"kind": "approval", "approvals": 2, "assignees": ["a"]}, "only 1 may answer"),
        ({"kind": "approval", "approvals": 2, "action": REFUND, "decisions": ["approve", "edit"]}, "leave out edit"),
        ({"expires": "soon"}, "is not a duration"),
        ({"expires": "0s"}, "above 0"),
        ({"on_expiry": "continue"}, "needs `expires`"),
        ({"expires": "1h", "on_expiry": "postpone"}, "belong together"),
        ({"expires": "1h", "default": "x"}, "belong together"),
        ({"expires": "1h", "on_expiry": "default", "default": 3}, "must be text"),
        ({"kind": "approval", "expires": "1h", "on_expiry": "default", "default": "yes"}, "True or False"),
        ({"expires": "1h", "remind": "2h"}, "comes before"),
        ({"schema": {"$ref": "https://example.org/x"}}, "lies elsewhere"),
        ({"key": ""}, "key is empty"),
    ],
)
def test_a_request_that_cannot_be_is_refused_in_one_line(values, message):
    with pytest.raises(InvalidInput, match=message) as raised:
        Request(**{"title": "What?", **values})
    assert "\n" not in str(raised.value)
