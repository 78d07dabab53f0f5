"""The same agents elsewhere: by the async client, over HTTP."""
# ruff: noqa: F811 - fixtures take others by their names

from collections import Counter

import pytest

from api.conftest import agent, api, client, installation, queue  # noqa: F401 - fixtures
from client.conftest import agent_key, async_works, sync  # noqa: F401 - fixtures
from integrations.conformance import FRAMEWORKS, calls, case_of, look, pay, read, says


@pytest.fixture(params=FRAMEWORKS, ids=lambda one: one.name)
def framework(request):
    if request.param.version is None:
        pytest.skip(f"{request.param.package} is not installed")
    return request.param


def test_an_agent_elsewhere_asks_goes_on_and_is_counted(framework, async_works, api, sync, queue, tmp_path):
    ledger = tmp_path / "ledger"
    script = (says("first", look("a", "1")), calls(pay("Ann", 5, "2"), pay("Bob", 7, "3")), says("last"))
    case_id = sync.add_case(queue, "a", data=case_of(script, ledger))["id"]
    assert async_works.awaiting(framework.agent()) == 1
    asked = list(sync.list_requests())
    assert [one["action"]["arguments"]["to"] for one in asked] == ["Ann", "Bob"]
    sync.approve(asked[1])
    sync.deny(asked[0])
    assert async_works.awaiting(framework.agent()) == 1
    assert sync.get_case(case_id)["case"]["status"] == "completed"
    assert Counter(
        line for line in read(ledger) if line.endswith("answered") or not line.startswith("model")
    ) == Counter(["model 1 answered", "look a", "model 2 answered", "pay Bob 7", "model 3 answered"])
    (run,) = api("GET", "/v1/runs")["runs"]
    assert (run["attempt"], run["usage"]["requests"]) == (2, 3)
    said = api("GET", f"/v1/runs/{run['id']}/messages", params={"limit": 100})["messages"]
    assert Counter(one["type"] for one in said) == {"text": 2, "tool_call": 3, "tool_result": 3}
