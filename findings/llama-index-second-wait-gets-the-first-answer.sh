#!/usr/bin/env bash
# A LlamaIndex workflow step that waits for two answers gets the first one twice
#
# Version: llama-index-workflows 2.26.1
# Guess:   Each wait_for_event() call waits for an event of its own: the step asks q1, gets its
#          answer, asks q2 and waits for the next one.
# Seen:    The wait is identified by the type of the event (the default of waiter_id). The second
#          call finds the answer of the first, returns it at once, and q2 is never sent. With
#          different waiter_id values both are asked, but the answer to q2 then stands for q1 as
#          well. Only waiter_id and requirements together keep them apart.
# Source:  llama-index-workflows, workflows/context/internal_context.py, wait_for_event
#          (waiter_id is made from the event type and the requirements)
# Matters: "Approve the amount?" followed by "delete the account?" in one step: the second is
#          approved with the answer to the first.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    llama-index-workflows==2.26.1

cat >"$work/probe.py" <<'PY'
import asyncio
from importlib.metadata import version

from workflows import Context, Workflow, step
from workflows.events import HumanResponseEvent, InputRequiredEvent, StartEvent, StopEvent


class Ask(Workflow):
    def options(self, question):
        return {}

    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> StopEvent:
        answers = []
        for question in ("pay 10?", "delete the account?"):
            asked = InputRequiredEvent(prefix=question)
            answer = await ctx.wait_for_event(HumanResponseEvent, waiter_event=asked, **self.options(question))
            answers.append((question, answer.response))
        return StopEvent(result=answers)


class AskWithWaiterId(Ask):
    def options(self, question):
        return {"waiter_id": question}


class AskWithRequirements(Ask):
    def options(self, question):
        return {"waiter_id": question, "requirements": {"to": question}}


async def run(workflow):
    handler = workflow.run()
    asked = []
    async for event in handler.stream_events():
        if isinstance(event, InputRequiredEvent):
            asked.append(event.prefix)
            handler.ctx.send_event(HumanResponseEvent(response=f"answer to {event.prefix}", to=event.prefix))
    print(type(workflow).__name__)
    print("  asked: ", asked)
    print("  result:", await handler)


print("llama-index-workflows", version("llama-index-workflows"))
for kind in (Ask, AskWithWaiterId, AskWithRequirements):
    asyncio.run(run(kind(timeout=20)))
PY

cat >"$work/seen" <<'TXT'
llama-index-workflows 2.26.1
Ask
  asked:  ['pay 10?']
  result: [('pay 10?', 'answer to pay 10?'), ('delete the account?', 'answer to pay 10?')]
AskWithWaiterId
  asked:  ['pay 10?', 'delete the account?']
  result: [('pay 10?', 'answer to delete the account?'), ('delete the account?', 'answer to delete the account?')]
AskWithRequirements
  asked:  ['pay 10?', 'delete the account?']
  result: [('pay 10?', 'answer to pay 10?'), ('delete the account?', 'answer to delete the account?')]
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
