"""Model: sums reviews up and judges their tone with a language model, two calls at a time.

Shows an async agent, and steps that keep what a model said, because its calls cost time and money. Without a key, a
stand-in answers. With MODEL_API_KEY it calls MODEL_URL, which is any service with OpenAI's chat completions.

In one terminal:

    $ export PYTHONPATH=. CASEWORK_AGENT_MODULES=model && casework up

In another one:

    $ export PYTHONPATH=. CASEWORK_AGENT_MODULES=model && casework queues create reviews &&
      casework agents create critic --python model:critic --timeout 2m &&
      casework consumers set reviews critic --concurrency 10 &&
      casework cases add reviews 'Review 1' --text 'The desk is lovely. It came a day early.' &&
      casework cases add reviews 'Review 2' --text 'The lamp arrived broken. Nobody answers.'

Both are done after a second, with what the model said in their data:

    $ casework cases list reviews && casework runs list --queue reviews
"""

import asyncio
import json
import os
import urllib.request

from casework import Complete, Fail, Outcome, Run, agent

TONES = ("good", "bad")


@agent
async def critic(run: Run) -> Outcome:
    """Ask for a summary and a judgement at the same time."""
    review = run.case.data
    summary, tone = await asyncio.gather(
        run.step("summary", lambda: complete(f"Sum this review up in one sentence:\n{review}")),
        run.step("tone", lambda: complete(f"Is this review good or bad? Answer with one word:\n{review}")),
    )
    tone = tone.strip().lower().rstrip(".")
    if tone not in TONES:
        return Fail(f"the model called it {tone!r}")
    run.say(f"{tone}: {summary}")
    run.update(data={"review": review, "summary": summary, "tone": tone})
    return Complete(f"a {tone} review")


async def complete(prompt: str) -> str:
    """What the model answers. An overloaded service (429, 503) or a lost connection leads to another attempt."""
    if not os.environ.get("MODEL_API_KEY"):
        return stand_in(prompt)
    return await asyncio.to_thread(post, prompt)


def post(prompt: str) -> str:
    """Call the service. In a thread, so that the other agents on the event loop go on meanwhile."""
    body = {"model": os.environ.get("MODEL_NAME", "gpt-4o-mini"), "messages": [{"role": "user", "content": prompt}]}
    request = urllib.request.Request(
        os.environ.get("MODEL_URL", "https://api.openai.com/v1/chat/completions"),
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {os.environ['MODEL_API_KEY']}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return str(json.load(answer)["choices"][0]["message"]["content"])


def stand_in(prompt: str) -> str:
    """Answers as a model might."""
    review = prompt.partition("\n")[2]
    if prompt.startswith("Sum"):
        return review.partition(".")[0] + "."
    return "bad" if "broken" in review else "good"
