"""Steps of sync and async agents, and the key for what must not happen twice."""

import asyncio
from functools import partial
from uuid import uuid5

import pytest

from casework import Complete, agent
from casework.testing import run_agent


async def fetch(what):
    await asyncio.sleep(0)
    return what


@agent
async def fetches(run):
    """In each of the ways to write a step with an async function."""

    async def own():
        return await fetch("own")

    found = await asyncio.gather(
        run.step("own", own),
        run.step("partial", partial(fetch, "partial")),
        run.step("lambda", lambda: fetch("lambda")),
    )
    return Complete(f"{', '.join(found)} {run.step('plain', lambda: 'plain')}")


@pytest.mark.parametrize("step", ["own", "partial", "lambda", "plain"])
def test_an_async_step_is_awaited_also_if_it_is_remembered(step):
    result = run_agent(fetches, kill_after_step=step)
    assert result.error is None
    assert result.outcome == Complete("own, partial, lambda plain")


@agent
def pays(run):
    run.step("pay", lambda: run.idempotency_key("pay"))
    return Complete(run.idempotency_key("pay"))


@agent
async def pays_async(run):
    await run.step("pay", lambda: fetch(run.idempotency_key("pay")))
    return Complete(run.idempotency_key("pay"))


@pytest.mark.parametrize("payer", [pays, pays_async])
def test_the_idempotency_key_is_the_same_in_every_attempt(payer):
    result = run_agent(payer, kill_in_step="pay", kill_after_step="pay")
    assert (result.attempts, result.ran) == (3, {"pay": 2})
    assert result.steps == {"pay": result.reason} == {"pay": str(uuid5(result.case.id, "pay"))}
