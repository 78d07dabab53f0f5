"""No GET waits for a lock: a tick, a run or a person may have locked what it reads."""

import threading

import pytest

from casework.core.model import DEFAULT_TEAM
from casework.service import labels, requests
from casework.store.tables import metadata
from factories import claim, start, work_all

PATIENCE = 20.0


@pytest.fixture
def path_of(api, queue):
    """A path of each GET, with a case that a run works on and one that waits for an answer."""
    agent = api("POST", "/v1/agents", 201, json={"name": "w", "kind": "python", "target": "sample_agents:asks"})[
        "agent"
    ]
    api("PUT", f"/v1/queues/{queue}/consumers/{agent['id']}", json={"concurrency": 5})
    body = {"case": {"title": "asks", "labels": [{"value": "urgent"}]}}
    api("POST", f"/v1/queues/{queue}/cases", 201, json=body)
    work_all(api.db, api.casework.settings)
    case = api("POST", f"/v1/queues/{queue}/cases", 201, json={"case": {"title": "claimed"}})["added_cases"][0]
    fence = start(api.db, claim(api.db, api.casework.settings)[0])
    (request,) = requests.find(api.db, DEFAULT_TEAM)
    ids = {
        "queue_id": queue,
        "case_id": case["id"],
        "run_id": fence.run_id,
        "agent_id": agent["id"],
        "request_id": request.id,
        "human_request_id": request.id,
        "label_id": labels.of_queue(api.db, DEFAULT_TEAM, queue, limit=1, offset=0)[0].id,
    }
    return lambda template: template.format(**ids)


def lock_every_row(tx):
    for table in metadata.sorted_tables:
        tx.sql(f"select 1 from {table.name} for update")


def test_no_get_waits_for_a_row_that_somebody_has_locked(api, path_of):
    served = api("GET", "/openapi.json")["paths"]
    paths = [path for path, methods in served.items() if "get" in methods and path.startswith("/v1")]
    assert {"/v1/cases/{case_id}/explain", "/v1/queues/{queue_id}/cases/{case_id}/labels"} <= set(paths)
    answers, waiting = {}, []

    def read(path):
        answers[path] = api.raw("GET", path_of(path)).status_code

    with api.db.begin() as tx:
        lock_every_row(tx)
        for path in paths:
            reader = threading.Thread(target=read, args=(path,))
            reader.start()
            reader.join(PATIENCE)
            if reader.is_alive():
                waiting.append(path)
                break
    assert (waiting, {path for path, code in answers.items() if code != 200}) == ([], set())
