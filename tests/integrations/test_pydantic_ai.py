"""What is special about pydantic-ai; what all adapters promise is in test_conformance.py."""

from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

pytest.importorskip("pydantic_ai")

from pydantic import BaseModel
from pydantic_ai import Agent, ApprovalRequired, CallDeferred, ModelRetry, RunContext, ToolReturn
from pydantic_ai.capabilities import AbstractCapability, ProcessHistory
from pydantic_ai.exceptions import ToolFailed
from pydantic_ai.messages import ModelRequest, ModelResponse, TextPart, ToolCallPart, ToolReturnPart, UserPromptPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.usage import UsageLimits

from casework import Complete, HandOver, OnExpiry, agent
from casework.core.lifecycle import CaseStatus
from casework.core.requests import Decision
from casework.errors import DatabaseUnavailable
from casework.integrations.pydantic_ai import current_run, durable
from casework.testing import Answering, run_agent

SEVERAL = {"max_attempts": 50}


class Model:
    """Plays a list of answers: texts, and calls as (tool, arguments, id). It keeps what it was asked."""

    def __init__(self, *answers):
        self.answers = answers
        self.asked = []

    def __call__(self, messages, info):
        number = sum(isinstance(message, ModelResponse) for message in messages)
        self.asked.append((number, list(messages), info))
        answer = self.answers[number]
        given = [answer] if isinstance(answer, str | tuple) else answer
        parts = [TextPart(one) if isinstance(one, str) else ToolCallPart(*one) for one in given]
        return ModelResponse(parts=parts)

    @property
    def counts(self):
        return Counter(number for number, _, _ in self.asked)

    def told(self, number):
        """The results of tools that the model was told before its n-th answer."""
        messages = next(messages for asked, messages, _ in self.asked if asked == number)
        parts = [part for message in messages if isinstance(message, ModelRequest) for part in message.parts]
        return [part for part in parts if isinstance(part, ToolReturnPart)]


def an_agent(model, **options):
    return Agent(FunctionModel(model), **{"output_type": str, "name": "tester", **options})


def made(framework_agent, **options):
    return durable(framework_agent, **{"prompt": lambda case: case.title, **options})


def played(found, **options):
    return run_agent(found, **SEVERAL, **options)


def yes(request):
    return True


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


def pay() -> str:
    return "paid"


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


def test_an_answer_that_is_not_used_is_told_once_when_asked_anew():
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


@pytest.mark.parametrize("error", [ModelRetry("Not so."), ToolFailed("It is gone.")])
def test_what_a_tool_raised_for_the_model_is_not_raised_by_doing_it_again(error):
    model, done = Model(("look", {}, "1"), ("pay", {}, "2"), "done"), []
    inner = an_agent(model)

    @inner.tool_plain
    def look() -> str:
        done.append("look")
        raise error

    inner.tool_plain(requires_approval=True)(pay)
    result = played(made(inner), answers=yes, kill_after_step=["tool 1 look 1", "model 2"])
    assert (result.status, done) == (CaseStatus.COMPLETED, ["look"])
    assert any(str(error.message) in str(part.content) for part in model.told(1))


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


class Seen(BaseModel):
    day: datetime


def test_results_that_are_no_json_reach_the_model_alike_when_replayed():
    def of(model):
        inner = an_agent(model)

        @inner.tool_plain
        def look() -> list[Seen]:
            return [Seen(day=datetime(2026, 1, 2, tzinfo=UTC))]

        @inner.tool_plain
        def picture() -> ToolReturn:
            return ToolReturn(return_value={"n": 1}, content="what it shows", metadata={"k": (1, 2)})

        return made(inner)

    script = ([("look", {}, "1"), ("picture", {}, "2")], "done")
    through, killed = Model(*script), Model(*script)
    played(of(through))
    result = played(of(killed), kill_after_step=["tool 1 picture 2", "model 1"])
    assert result.status == CaseStatus.COMPLETED
    assert [part.model_response_str() for part in killed.told(1)] == [
        part.model_response_str() for part in through.told(1)
    ]

    def prompts(model):
        messages = next(messages for asked, messages, _ in model.asked if asked == 1)
        parts = [part for message in messages if isinstance(message, ModelRequest) for part in message.parts]
        return [part.content for part in parts if isinstance(part, UserPromptPart)]

    assert prompts(killed) == prompts(through)


def test_a_history_that_is_cut_goes_on_where_it_was():
    def of(model):
        inner = an_agent(model, capabilities=[ProcessHistory(lambda messages: messages[:1] + messages[1:][-4:])])

        @inner.tool_plain
        def look(n: int) -> int:
            return n

        return made(inner)

    script = [("look", {"n": n}, str(n)) for n in range(1, 7)]

    class ByCalls(Model):
        """Its history is cut, so it counts what it was asked."""

        def __call__(self, messages: list, info: AgentInfo):
            last = [part for part in messages[-1].parts if isinstance(part, ToolReturnPart)]
            number = last[-1].content if last else 0
            self.asked.append((number, list(messages), info))
            return ModelResponse(parts=[ToolCallPart(*script[number])] if number < 6 else [TextPart("done")])

    model = ByCalls()
    names = [f"model {n}" for n in range(1, 8)]
    result = played(of(model), kill_after_step=names)
    assert result.outcome == Complete("done")
    assert set(model.counts.values()) == {1}


class Swallowing(AbstractCapability):
    """Turns whatever a tool or a model raises into a text."""

    async def wrap_tool_execute(self, ctx, *, call, tool_def, args, handler):
        try:
            return await handler(args)
        except BaseException as error:
            return f"swallowed {type(error).__name__}"

    async def wrap_run(self, ctx, *, handler):
        try:
            return await handler()
        except BaseException as error:
            raise RuntimeError("something else") from error


def test_a_capability_that_swallows_what_ends_an_attempt_does_not_hide_it():
    model = Model(("look", {}, "1"), ("pay", {}, "2"), "done")
    inner = an_agent(model, capabilities=[Swallowing()])

    @inner.tool_plain
    def look() -> str:
        current_run().step("inner", lambda: 1)
        return "seen"

    inner.tool_plain(requires_approval=True)(pay)
    result = played(made(inner), answers=yes, release_at="step:2", kill_after_step="tool 2 pay 2")
    assert (result.status, result.outcome) == (CaseStatus.COMPLETED, Complete("done"))
    assert len(result.requests) == 1


@pytest.mark.parametrize(
    ("output", "options", "status"),
    [
        (None, {}, CaseStatus.FAILED),
        (HandOver("Ann"), {}, CaseStatus.PENDING),
        ({"a": 1}, {}, CaseStatus.COMPLETED),
        ("text", {"output": lambda output: Complete(output.upper())}, CaseStatus.COMPLETED),
    ],
)
def test_the_outcome_is_made_from_the_output(output, options, status):
    inner = an_agent(Model("x"))
    inner.output_validator(lambda _: output)
    result = played(made(inner, **options))
    assert result.status == status
    if status == CaseStatus.COMPLETED:
        assert result.reason == ('{"a":1}' if isinstance(output, dict) else "TEXT")


def test_prompt_and_dependencies_may_be_async():
    async def prompt(case):
        return f"about {case.title}"

    async def deps(case):
        return case.data

    model = Model(("look", {}, "1"), "done")
    inner = an_agent(model, deps_type=int)

    @inner.tool
    def look(ctx: RunContext[int]) -> int:
        return ctx.deps

    played(made(inner, prompt=prompt, deps=deps), title="rain", data=7)
    assert model.asked[0][1][0].parts[-1].content == "about rain"
    assert [part.content for part in model.told(1)] == [7]


def test_what_was_used_before_counts_against_every_limit():
    model = Model(("pay", {}, "1"), ("look", {}, "2"), ("look", {}, "3"), "done")
    inner = an_agent(model)
    inner.tool_plain(requires_approval=True)(pay)

    @inner.tool_plain
    def look() -> str:
        return "seen"

    limited = made(inner, usage_limits=UsageLimits(tool_calls_limit=2))
    result = played(limited, answers=yes, kill_after_step=["model 2", "tool 2 look 2"])
    assert result.status == CaseStatus.FAILED
    assert "tool_calls_limit" in result.reason or "tool call" in result.reason.lower()
    assert model.counts[2] == 1


def test_the_key_of_a_call_is_the_same_in_every_attempt():
    keys = []
    model = Model(("look", {}, "1"), "done")
    inner = an_agent(model)

    @inner.tool
    def look(ctx: RunContext[None]) -> str:
        keys.append(current_run().idempotency_key(f"look {ctx.tool_call_id}"))
        return "seen"

    played(made(inner), kill_in_step="tool 1 look 1")
    assert len(keys) == 2
    assert len(set(keys)) == 1


class Unreliable:
    """A run whose database is away whenever the result of a step is to be written the first time."""

    def __init__(self, run):
        self._run, self.name, self.failed = run, None, set()

    def step(self, name, do):
        self.name = name
        return self._run.step(name, do)

    def __getattr__(self, name):
        return getattr(self._run, name)

    @contextmanager
    def together(self):
        yield
        if self.name and self.name not in self.failed:
            self.failed.add(self.name)
            raise DatabaseUnavailable("it is away")


def test_what_has_come_is_kept_when_the_database_is_back():
    model, done, seen = Model(("look", {}, "1"), "done"), [], []
    inner = an_agent(model)

    @inner.tool_plain
    def look() -> str:
        done.append(1)
        return "seen"

    found = made(inner)

    @agent
    async def without_a_database(run):
        seen.append(Unreliable(run))
        return await found(seen[-1])

    result = run_agent(without_a_database, max_attempts=50)
    assert (result.outcome, done) == (Complete("done"), [1])
    assert set(model.counts.values()) == {1}
    assert (len(seen), seen[0].failed) == (1, {"model 1", "tool 1 look 1", "model 2"})
