"""The API's reads over many cases in one queue, and its creation of cases, one by one and by the hundred."""

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

from fastapi.testclient import TestClient

from bench.figures import Figure, alternate, at_least, at_most
from bench.ground import Ground, raw
from casework.api.app import create_app
from casework.core.model import DEFAULT_TEAM
from casework.core.roles import Role
from casework.service import keys, queues

CASES = 1_000_000
CALLS = 15
ONE_BY_ONE = 100

_FILL = """
insert into cases (id, queue_id, title, data, status, ready_at, completed_at, created_at, updated_at)
select uuidv7(), %(queue)s, 'Complaint ' || n, json_build_object('unique_key', n), case when n %% 3000 = 0 then 'failed' else 'pending' end,
  now(), case when n %% 3000 = 0 then now() end, now() - interval '30 days' + n * interval '1 second', now()
from generate_series(1, %(count)s) n
"""
_SEARCH = """
insert into case_search (case_id, queue_id, words)
select id, queue_id, to_tsvector('simple', lower(title) || ' ' || (data ->> 'unique_key')) from cases where queue_id = %(queue)s
"""
_LABELS = """
with named as (
  insert into labels (id, queue_id, key, value, color_hue)
  select gen_random_uuid(), %(queue)s, 'borough', b, 0 from unnest(array['BRONX', 'BROOKLYN', 'MANHATTAN', 'QUEENS']) b returning id, value
)
insert into case_labels (case_id, label_id)
select c.id, n.id from cases c join named n on n.value = (array['BRONX', 'BROOKLYN', 'MANHATTAN', 'QUEENS'])[1 + abs(hashtext(c.id::text)) %% 4]
where c.queue_id = %(queue)s
"""


def measure(ground: Ground) -> list[Figure]:
    """Requests through the whole application, in this process."""
    count = ground.size(CASES, 50_000)
    casework = ground.casework("reading", like_workers=False, rate_limit_per_minute=0)
    queue = queues.create(casework.db, DEFAULT_TEAM, "many")
    token = keys.create(casework.db, DEFAULT_TEAM, "bench", Role.ADMIN)[1]
    ground.say(f"filling {count:,} cases")
    with raw(casework) as connection:
        for statement in (_FILL, _SEARCH, _LABELS):
            connection.execute(statement, {"queue": queue.id, "count": count})
        connection.execute("vacuum analyze")
    api = TestClient(create_app(casework), headers={"Authorization": f"Bearer {token}"})
    path = f"/v1/queues/{queue.id}/cases"
    reads: dict[str, Callable[[], float]] = {
        "list": lambda: _call(api, "GET", path),
        "status filter": lambda: _call(api, "GET", f"{path}?status=failed"),
        "label filter": lambda: _call(
            api, "POST", f"{path}/search", json={"filters": {"labels": {"borough": ["QUEENS"]}}}
        ),
        "search of a rare word": lambda: _call(api, "GET", f"{path}?search={count // 2}"),
        "create 100": lambda: _call(
            api, "POST", path, CALLS, json={"cases": [{"title": f"new {n}"} for n in range(100)]}
        ),
        "create one, each": lambda: _call(api, "POST", path, ONE_BY_ONE, json={"case": {"title": "new"}}),
    }
    series = alternate(ground.rounds, reads, ground.say)
    bars = {name: at_most(100) for name in reads} | {"create 100": at_most(50), "create one, each": None}
    figures = [Figure(f"{name}, {count:,} cases, p50", "ms", series[name], target=bars[name]) for name in reads]
    shares = [
        one * 100 / hundred for one, hundred in zip(series["create one, each"], series["create 100"], strict=True)
    ]
    return [*figures, Figure("100 in a request, faster a case", "times", shares, target=at_least(20))]


def _call(api: TestClient, method: str, path: str, calls: int = CALLS, **options: Any) -> float:
    spent = []
    for _ in range(calls):
        begun = perf_counter()
        answer = api.request(method, path, **options)
        spent.append((perf_counter() - begun) * 1000)
        assert answer.status_code < 300, answer.text
    return median(spent)
