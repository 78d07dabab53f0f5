#!/usr/bin/env bash
# smolagents executes a tool call that comes with a final answer, then refuses the answer and
# hides the result
#
# Version: smolagents 1.26.0
# Guess:   A final_answer beside another tool call is accepted (the run ends), or the step is
#          refused before anything is executed.
# Seen:    The other tool is executed, then the step fails with "If you want to return an answer,
#          please do not perform any other tool calls ...". The model is shown that error and no
#          result of the tool, and is asked to try again: it calls the tool a second time.
# Source:  smolagents, smolagents/agents.py, ToolCallingAgent (the AgentExecutionError after the
#          parallel execution of the calls)
# Matters: "Refund it and say so" in one response is common. The refund is made, the memory of
#          the run does not know it, and the repeated step makes it again.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    smolagents==1.26.0

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

from smolagents import ChatMessage, Model, ToolCallingAgent, tool
from smolagents.models import ChatMessageToolCall, ChatMessageToolCallFunction, MessageRole

refunds = []


@tool
def refund(amount: int) -> str:
    """Refund money.

    Args:
        amount: what to refund
    """
    refunds.append(amount)
    return "refund number 4711"


class Scripted(Model):
    def __init__(self):
        super().__init__(model_id="scripted")
        pay, done = ("refund", {"amount": 10}), ("final_answer", {"answer": "refunded"})
        self.turns = iter([[pay, done], [pay], [done]])

    def generate(self, messages, **options):
        text = str(messages[-1].content)
        if "Error" in text:
            print("the model reads an error:", "please do not perform any other tool calls" in text)
        print("the model has seen the refund number:", any("4711" in str(message.content) for message in messages))
        calls = [
            ChatMessageToolCall(id=f"{number}", type="function", function=ChatMessageToolCallFunction(name=name, arguments=arguments))
            for number, (name, arguments) in enumerate(next(self.turns))
        ]
        return ChatMessage(role=MessageRole.ASSISTANT, content="", tool_calls=calls)


print("smolagents", version("smolagents"))
agent = ToolCallingAgent(tools=[refund], model=Scripted(), verbosity_level=0)
print("answer:", agent.run("refund 10"))
print("refunds made:", refunds)
PY

cat >"$work/seen" <<'TXT'
smolagents 1.26.0
the model has seen the refund number: False
If you want to return an answer, please do not perform any other tool calls than
the final answer tool call!
the model reads an error: True
the model has seen the refund number: False
the model has seen the refund number: True
answer: refunded
refunds made: [10, 10]
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
