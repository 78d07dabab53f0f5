"""Names of queues and agents are accepted where their ids are: in paths, and in filters."""

from urllib.parse import quote

import pytest

from casework.core.roles import Role
from casework.service import keys

ID = "01234567-89ab-7def-8123-456789abcdef"
NAMES = ["invoices", "my queue", "a/b", "100%", "q?x=1#y", "it's", "Zürich", "by-name", "a+b", "%2F", "name:x"]


@pytest.mark.parametrize("name", NAMES)
def test_a_queue_is_found_by_its_name(api, name):
    id = api("POST", "/v1/queues", 201, json={"name": name})["queue"]["id"]
    path = f"/v1/queues/by-name/{quote(name, safe='')}"
    assert api("GET", path)["queue"]["id"] == id
    added = api("POST", f"{path}/cases", 201, json={"case": {"title": "x"}})["added_cases"]
    assert [case["queue_id"] for case in added] == [id]
    assert api("GET", f"{path}/cases?status=pending")["total"] == 1
    assert api("GET", f"/v1/human-requests?queue={quote(name, safe='')}")["human_requests"] == []


def test_a_consumer_is_connected_by_names(api):
    queue = api("POST", "/v1/queues", 201, json={"name": "my queue"})["queue"]["id"]
    agent = api("POST", "/v1/agents", 201, json={"name": "remote/1"})["agent"]["id"]
    api("PUT", "/v1/queues/by-name/my%20queue/consumers/by-name/remote%2F1", json={"concurrency": 1})
    (consumer,) = api("GET", f"/v1/queues/{queue}/consumers")["consumers"]
    assert consumer["agent_id"] == agent
    case = api.add(queue, "x")[0]
    work = api("POST", "/v1/agents/by-name/remote%2F1/claim", json={})
    assert work["case"]["id"] == case
    runs = api("GET", "/v1/runs?queue=my%20queue&agent=remote/1")["runs"]
    assert [run["id"] for run in runs] == [work["run_id"]]
    api("DELETE", "/v1/queues/by-name/my%20queue/consumers/by-name/remote%2F1")
    assert api("GET", f"/v1/queues/{queue}/consumers")["consumers"] == []


@pytest.mark.parametrize(
    ("path", "code", "message"),
    [
        ("/v1/queues/by-name/nope", 404, "There is no queue 'nope'."),
        ("/v1/agents/by-name/no%2Fpe", 404, "There is no agent 'no/pe'."),
        ("/v1/queues/by-name/inbox/nope", 404, "There is nothing at /v1/queues/by-name/inbox/nope. What there is stands at /docs."),
        ("/v1/queues/by-name/a%00b", 400, "The name contains a NUL character."),
        ("/v1/queues/by-name/%FF", 404, "There is no queue '\ufffd'."),
        (f"/v1/queues/by-name/{'x' * 101}", 400, "The name has 101 characters; 100 is the most."),
        ("/v1/queues/by-name", 400, "queue_id: an id is written like 01234567-89ab-7def-8123-456789abcdef"),
        ("/v1/cases/by-name/inbox", 404, None),
        ("/v1/runs?queue=nope", 404, "There is no queue 'nope'."),
        (f"/v1/runs?queue=nope&queue_id={ID}", 400, "Give queue_id or queue, not both."),
        ("/v1/human-requests?queue=a%00b", 400, "queue: The text contains a NUL character."),
    ],
)  # fmt: skip
def test_a_name_that_is_not_there_is_named(api, queue, path, code, message):
    answer = api("GET", path, code)
    assert message in (None, answer["message"])


def test_names_of_another_team_are_not_there(api, queue, agent):
    stranger = api.key(Role.ADMIN, keys.team(api.db, "strangers", create=True))
    for path in ("/v1/queues/by-name/inbox", "/v1/agents/by-name/remote", "/v1/runs?queue=inbox"):
        api("GET", path)
        api("GET", path, 404, token=stranger)


def test_a_name_needs_the_right_that_the_id_needs(api, queue, agent):
    api("GET", "/v1/queues/by-name/inbox", 403, token=api.key(Role.AGENT))
    api("POST", "/v1/queues/by-name/inbox/cases", 401, token="cw_none", json={"case": {"title": "x"}})


def test_the_agent_of_another_key_is_as_absent_as_one_that_does_not_exist(api, queue, agent):
    other = api.key(Role.AGENT)
    said = [
        api("POST", f"/v1/agents/by-name/{name}/claim", 404, token=other, json={})["message"].replace(name, "NAME")
        for name in ("remote", "nobody")
    ]
    assert said == ["There is no agent 'NAME'."] * 2
    own = api.key(Role.AGENT, for_agents=[agent])
    assert api("POST", "/v1/agents/by-name/remote/claim", 204, token=own, json={}) is None
