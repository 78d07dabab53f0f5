"""Models of the OpenAI Agents SDK: by name, streamed, with hooks and a runner of one's own."""

from agents import (
    Agent,
    ModelProvider,
    ModelResponse,
    RunConfig,
    RunHooks,
    Usage,
)
from agents.run import AgentRunner, get_default_agent_runner, set_default_agent_runner
from openai.types.responses import ResponseErrorEvent, ResponseOutputItemDoneEvent

from casework import Complete
from casework.integrations.openai_agents import current_run
from casework.integrations.openai_agents.responses import completed_event
from integrations.openai_script import Script, call, made, notices, pause, run, says


def test_a_model_by_name_is_kept_as_well():
    model = Script(call("pause", "p1"), says("done"))

    class Provider(ModelProvider):
        def get_model(self, model_name):
            assert model_name == "big"
            return model

    agent = Agent(name="clerk", model="big", tools=[pause])
    inner = Agent(name="inner", model="big")
    agent.tools.append(inner.as_tool("inner", "asks"))
    result = run(agent, run_config=RunConfig(model_provider=Provider()))
    assert (result.outcome, model.calls) == (Complete("done"), 2)


def test_words_are_shown_while_they_come_and_said_once_whole():
    agent = made(call("pause", "p1"), says("one two three"), tools=[pause])
    result = run(agent, stream=True)
    assert "".join(result.streamed).split() == ["one", "two", "three"]
    assert (result.said, result.usage.requests, agent.model.calls) == (["one two three"], 2, 2)


class Broken(Script):
    """A stream that ends as its test says."""

    def __init__(self, *events):
        super().__init__(says("done"))
        self.events = events

    async def stream_response(self, *args, **kwargs):
        self.inputs.append(args)
        for event in self.events:
            yield event


def test_a_broken_stream_is_tried_again_and_a_failed_one_is_told():
    broken = Broken()
    result = run(Agent(name="clerk", model=broken), stream=True, how={"max_attempts": 2})
    assert "ended before its response was complete" in result.reason
    assert broken.calls == 2
    failed = ResponseErrorEvent(type="error", code="full", message="try later", sequence_number=1)
    result = run(Agent(name="clerk", model=Broken(failed)), stream=True)
    assert "stream ended with error" in result.reason and "try later" in result.reason


def test_items_that_a_service_streams_one_by_one_are_the_response():
    done = completed_event(ModelResponse([], Usage(), "r1"))
    item = ResponseOutputItemDoneEvent(
        type="response.output_item.done", item=says("hello"), output_index=0, sequence_number=1
    )
    assert run(Agent(name="clerk", model=Broken(item, done)), stream=True).outcome == Complete("hello")


def test_an_inner_agent_that_streams_is_replayed_without_its_model():
    inner, events = Script(says("inner done")), []
    tool = Agent(name="inner", model=inner).as_tool("inner", "asks", on_stream=events.append)
    agent = made([call("inner", "i1", input="go")], [call("pause", "p1")], says("done"), tools=[tool, pause])
    result = run(agent, how={"kill_in_step": "tool inner i1"})
    assert (result.outcome, inner.calls) == (Complete("done"), 1)
    assert events


def test_hooks_are_called_in_each_attempt():
    """As the guide says: they watch, and must not act."""
    called = []

    class Hooks(RunHooks):
        async def on_agent_start(self, context, agent):
            called.append(current_run().attempt)

    agent = made(call("pause", "p1"), says("done"), tools=[pause])
    run(agent, hooks=Hooks())
    assert set(called) == {1, 2}


def test_new_instructions_are_noticed_once_and_no_call_is_made_again():
    agent = made(call("pause", "p1"), call("pause", "p2"), says("done"), tools=[pause], instructions="old")

    def answer(request):
        agent.instructions = "new"
        return True

    result = run(agent, answer)
    assert agent.model.calls == 3
    (told,) = notices(result)
    assert told.startswith("The call 'model 1' would be made with other instructions now")


def test_a_default_runner_that_was_set_before_does_the_work():
    calls, before = [], get_default_agent_runner()

    class Counting(AgentRunner):
        async def run(self, *args, **kwargs):
            calls.append(1)
            return await super().run(*args, **kwargs)

    set_default_agent_runner(Counting())
    try:
        assert run(made(says("done"))).outcome == Complete("done")
    finally:
        set_default_agent_runner(before)
    assert calls == [1]
