"""The start and the outcome of a run behind PgBouncer in transaction mode, against the direct connection to the same server."""

import shutil
from dataclasses import replace
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from bench.figures import Figure, alternate, at_least, compared
from bench.ground import AGENTS, Ground, Skipped
from bench.parts.outcomes import Work
from casework.settings import Settings
from casework.store import schema
from casework.store.database import Database
from casework.wiring import Casework, connect
from compat.packages import newest_postgres
from compat.servers import pgbouncer, postgres
from databases import Databases


def measure(ground: Ground) -> list[Figure]:
    """Both over TCP; each on a database of its own, in turn, ten by ten. Raises Skipped without pgbouncer."""
    if shutil.which("pgbouncer") is None:
        raise Skipped("pgbouncer is not installed")
    place = ground.home / "pooled"
    for each in (ground.home, place):
        each.mkdir(exist_ok=True)
        each.chmod(0o755)
    with postgres(place, newest_postgres(), {}) as url:
        port = int(str(conninfo_to_dict(url)["port"]))
        with pgbouncer(place, port, "transaction") as pooler:
            return _measured(ground, url, pooler)


def _measured(ground: Ground, url: str, pooler: str) -> list[Figure]:
    direct, through = Work(_casework(ground, url, "direct")), Work(_behind(_casework(ground, url, "through"), pooler))
    assert [_is_direct(work) for work in (direct, through)] == [True, False]
    series = alternate(
        ground.rounds,
        {
            "start": through.start,
            "direct start": direct.start,
            "outcome": through.outcome,
            "direct outcome": direct.outcome,
        },
        ground.say,
        ground.size(40, 5),
    )
    for work in (direct, through):
        work.close()
    return [
        compared(series, "start", "/s", "direct start", at_least(0.6)),
        compared(series, "direct start", "/s"),
        compared(series, "outcome", "/s", "direct outcome", at_least(0.6)),
        compared(series, "direct outcome", "/s"),
    ]


def _is_direct(work: Work) -> bool:
    with work.casework.db.begin() as tx:
        return tx.is_direct


def _casework(ground: Ground, url: str, name: str) -> Casework:
    made = Databases(url)(name, migrate=False)
    db = Database(made)
    schema.upgrade(db)
    db.close()
    settings = Settings(
        home=ground.home,
        database_url=made,
        redis_url=ground.redis("pooled"),
        agent_modules=AGENTS,
    )
    return connect(settings, caches_plans=True)


def _behind(casework: Casework, pooler: str) -> Casework:
    """The same installation; its statements go through the pooler, and those that seed it do not."""
    name = Path(casework.settings.database_url).name
    casework.db.close()
    return replace(casework, db=Database(pooler.replace("/postgres", f"/{name}"), caches_plans=True))
