"""The same agents, called by a worker and elsewhere by the client, leave the same behind."""

import pytest

import sample_agents
from casework.client import Client
from casework.core.model import DEFAULT_TEAM
from casework.service import agents
from client.conftest import URL
from factories import work_all

AGENTS = {
    "completes": {},
    "fails": {},
    "raises": {},
    "is_transient": {},
    "is_asked_to_wait": {"attempts": 1, "seconds": 300},
    "is_cancelled": {},
    "recovers": {},
    "forgets": {},
    "postpones": {"wait": "2h"},
    "hands_over": {"to": "other"},
    "asks": {},
    "feeds": {"queue": "children"},
}


@pytest.fixture
def places(api):
    """A queue that a worker's agent works on, and one for the client's; `other` may be handed cases of both."""
    other = api("POST", "/v1/agents", 201, json={"name": "other"})["agent"]["id"]

    def make(name, **agent):
        queue = api("POST", "/v1/queues", 201, json={"name": name})["queue"]["id"]
        made = agents.create(api.db, api.casework.settings, DEFAULT_TEAM, f"agent {name}", **agent)
        api("PUT", f"/v1/queues/{queue}/consumers/{made.id}", json={})
        api("PUT", f"/v1/queues/{queue}/consumers/{other}", json={"trigger": False})
        return queue

    return make


def left_behind(api, case_id):
    """What people see of the case and its runs, without ids and times."""
    found = api("GET", f"/v1/cases/{case_id}")
    case, events = found["case"], found["events"]
    runs = api("GET", "/v1/runs", params={"case_id": case_id})["runs"]
    said = [api("GET", f"/v1/runs/{run['id']}/messages")["messages"] for run in runs]
    texts = [(one["type"], one.get("text_content")) for messages in said for one in messages]
    ended = [(run["status"], run["outcome"], run["reason"], run["attempt"], run["failures"]) for run in runs]
    return case["status"], case["data"], [(one["type"], one["reason"]) for one in events], ended, texts


@pytest.mark.parametrize("name", AGENTS)
def test_an_agent_leaves_the_same_behind_wherever_it_runs(api, sync, places, name):
    api("POST", "/v1/queues", 201, json={"name": "children"})
    data = AGENTS[name]
    here = sync.add_case(places("here", target=f"sample_agents:{name}"), "a", data=data)["id"]
    elsewhere = sync.add_case(places("elsewhere", kind="pull"), "a", data=data)["id"]
    client, left = Client(URL, api.token, http=api.client), []
    for case_id, work in (
        (here, lambda: work_all(api.db, api.casework.settings)),
        (elsewhere, lambda: client.agent("agent elsewhere").work(getattr(sample_agents, name), until_idle=True)),
    ):
        for _ in range(3):
            work()
            for request in sync.list_requests():
                sync.approve(request) if request["type"] == "approval" else sync.answer(request, "red")
            with api.db.begin() as tx:
                tx.sql("update cases set ready_at = now() where status in ('pending', 'postponed')")
        left.append(left_behind(api, case_id))
        children = list(sync.find_cases("children", sort_by="title"))
        sync.delete_cases("children", [case["id"] for case in children] or [case_id])
        left[-1] += ([case["title"] for case in children],)
    assert left[0] == left[1]
    assert left[0][0] in ("completed", "failed", "pending")
