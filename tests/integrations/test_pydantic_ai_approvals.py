"""Calls of pydantic-ai that people approve: what is asked, and what the model sees of the answer."""

from datetime import UTC, datetime

import pytest

pytest.importorskip("pydantic_ai")

from pydantic_ai import ApprovalRequired, CallDeferred, RunContext

from casework import Complete, OnExpiry, agent
from casework.core.lifecycle import CaseStatus
from casework.core.requests import Decision
from casework.testing import Answering
from integrations.pydantic_ai_script import Model, an_agent, made, pay, played, yes


def test_with_instructions_the_last_answer_is_not_asked_for_again():
    model = Model("done")
    found = made(an_agent(model, instructions="Be brief."))
    result = played(found, kill_after_step="model 1")
    assert result.outcome == Complete("done")
    assert model.counts == {0: 1}


def test_instructions_that_vary_are_no_change_of_code():
    model = Model(("pay", {}, "1"), "done")
    inner = an_agent(model)
    inner.instructions(lambda: f"It is {datetime.now(UTC).isoformat()}.")
    inner.tool_plain(requires_approval=True)(pay)
    result = played(made(inner), answers=yes)
    assert (result.status, model.counts) == (CaseStatus.COMPLETED, {0: 1, 1: 1})
    assert [one for one in result.messages if one.type == "notice"] == []


@pytest.mark.parametrize("change", [{"instructions": "Be polite."}, {"output_type": int}])
def test_a_change_of_code_is_noticed_and_nothing_is_asked_again(change):
    model = Model(("pay", {}, "1"), "done", "never")

    def of(**options):
        inner = an_agent(model, **options)
        inner.tool_plain(requires_approval=True)(pay)
        return made(inner)

    @agent
    async def deployed_meanwhile(run):
        return await (of() if run.attempt == 1 else of(**({} if "output_type" in change else change)))(run)

    result = played(deployed_meanwhile, answers=yes)
    assert model.counts[0] == 1
    notices = [one.content["text"] for one in result.messages if one.type == "notice"]
    assert (len(notices) == 1) == ("instructions" in change)


def test_an_answer_that_no_call_asks_for_any_more_is_told():
    model = Model(("pay", {}, "1"), "so be it")

    def of(name):
        inner = an_agent(model)
        inner.tool_plain(name=name, requires_approval=True)(pay)
        return made(inner)

    @agent
    async def renamed_meanwhile(run):
        return await of("pay" if run.attempt == 1 else "settle")(run)

    result = played(renamed_meanwhile, answers=yes)
    notices = [one.content["text"] for one in result.messages if one.type == "notice"]
    assert any("'pay()' is not used" in text for text in notices), notices


def test_an_answer_that_is_not_used_is_told_once_when_asked_again():
    model = Model(("pay", {}, "1"), "done")

    def of(**described):
        inner = an_agent(model)
        inner.tool_plain(pay if not described else pay_by, name="pay", requires_approval=True)
        return made(inner)

    def pay_by(day: str = "today") -> str:
        return f"paid {day}"

    @agent
    async def another_schema_meanwhile(run):
        return await (of() if run.attempt == 1 else of(day=True))(run)

    result = played(another_schema_meanwhile, answers=yes)
    assert (result.reason, len(result.requests)) == ("done", 2)
    notices = [one.content["text"] for one in result.messages if one.type == "notice"]
    assert len([text for text in notices if "'pay()' is not used" in text]) == 1, notices


def test_calls_of_one_turn_with_one_id_fail_the_case_and_run_nothing():
    model = Model([("pay", {}, "1"), ("pay", {}, "1")], "never")
    ran = []
    inner = an_agent(model)

    @inner.tool_plain(requires_approval=True)
    def pay() -> str:
        ran.append("pay")
        return "paid"

    result = played(made(inner), answers=yes)
    assert (result.status, result.requests, ran) == (CaseStatus.FAILED, [], [])
    assert "duplicate ids: ['1']" in result.reason


def test_a_tool_may_say_how_its_request_looks():
    model = Model([("pay", {}, "1"), ("ask", {}, "2")], "done")
    inner = an_agent(model)

    @inner.tool
    def pay(ctx: RunContext[None]) -> str:
        if not ctx.tool_call_approved:
            raise ApprovalRequired(
                metadata={"title": "Pay?", "description": "It is **much**.", "assignees": ["Ann"], "note": datetime}
            )
        return f"paid {(ctx.tool_call_metadata or {})['title']}"

    @inner.tool_plain
    def ask() -> str:
        raise CallDeferred(
            metadata={
                "title": "When?",
                "schema": {"type": "object", "properties": {"day": {"type": "integer"}}, "required": ["day"]},
                "expires": "1h",
                "on_expiry": OnExpiry.CONTINUE,
            }
        )

    result = played(made(inner), answers={"Pay?": True, "When?": {"day": 3}})
    assert [(one.title, one.kind, one.description) for one in result.requests] == [
        ("Pay?", "approval", "It is **much**."),
        ("When?", "form", None),
    ]
    assert [part.content for part in model.told(1)] == ["paid Pay?", {"day": 3}]


@pytest.mark.parametrize(
    ("answer", "outcome", "told"),
    [
        (Answering(decision=Decision.REJECT, message="Not you"), "denied", "Not you"),
        (Answering(decision=Decision.REJECT), "denied", "The tool call was denied."),
    ],
)
def test_the_model_sees_a_rejection_as_one(answer, outcome, told):
    model = Model(("pay", {}, "1"), "so be it")
    inner = an_agent(model)
    inner.tool_plain(requires_approval=True)(pay)
    played(made(inner), answers=lambda request: answer)
    (part,) = model.told(1)
    assert (part.outcome, part.content) == (outcome, told)


def test_an_approved_tool_may_ask_further():
    model = Model(("pay", {}, "1"), "done")
    inner = an_agent(model)

    @inner.tool(requires_approval=True)
    def pay(ctx: RunContext[None]) -> str:
        raise CallDeferred(metadata={"title": "The receipt's number?"})

    answers = {"pay()": True, "The receipt's number?": "77"}
    result = played(made(inner), answers=answers)
    assert result.status == CaseStatus.COMPLETED
    assert [one.title for one in result.requests] == [*answers]
    assert [part.content for part in model.told(1)] == ["77"]


def test_an_id_that_a_model_uses_again_means_another_call():
    model, done = Model(("look", {"n": 1}, "same"), ("look", {"n": 2}, "same"), "done"), []
    inner = an_agent(model)

    @inner.tool_plain
    def look(n: int) -> int:
        done.append(n)
        return n

    result = played(made(inner), kill_after_step=["tool 1 look same", "model 2", "tool 2 look same"])
    assert (result.status, done) == (CaseStatus.COMPLETED, [1, 2])
    assert [part.content for part in model.told(2)] == [1, 2]
