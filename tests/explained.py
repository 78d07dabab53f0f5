"""Plans, and the work that a statement took: a test counts blocks and rows instead of time."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from casework.store.database import Database
from seams import Noting, Seam

Node = dict[str, Any]


class Explained(Seam):
    """Explains the statements that contain a text; the real ones are executed too."""

    def __init__(self, tx: Any, only: str = "") -> None:
        super().__init__(tx)
        self.only = only
        self.blocks = 0
        self.nodes: list[Node] = []

    def sql(self, statement: str, parameters: Any = None) -> Any:
        if self.only in statement:
            # Explained, it is executed; what it writes is taken back, to be written by the real one.
            self.tx.sql("savepoint explained")
            (found,) = self.tx.sql("explain (format json, analyze, buffers) " + statement, parameters).scalar_one()
            self.tx.sql("rollback to explained")
            self.blocks += blocks(found["Plan"])
            self.nodes += nodes_of(found["Plan"])
        return self.tx.sql(statement, parameters)

    def together(self, *asked: Any) -> list[Any]:
        return [self.sql(*one) for one in asked]

    def scans(self, relation: str) -> list[Node]:
        """How a table was read."""
        return scans_of(self.nodes, relation)


def blocks(node: Node) -> int:
    return int(node["Shared Hit Blocks"] + node["Shared Read Blocks"])


def nodes_of(plan: Node) -> Iterator[Node]:
    """The plan's nodes, the topmost first."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes_of(child)


def scans_of(nodes: list[Node], *relations: str) -> list[Node]:
    return [node for node in nodes if node.get("Relation Name") in relations and "Scan" in node["Node Type"]]


def sent_by(tx: Any, act: Callable[[Any], object]) -> str:
    """The only statement that something sends."""
    noted: list[tuple[str, Any]] = []
    act(Noting(tx, noted))
    ((statement, _),) = noted
    return statement


def worker_options(url: str) -> dict[str, str]:
    """What a worker's connection to that database asks of the server."""
    db = Database(url, pool_size=1, caches_plans=True)
    with db.begin() as tx:
        found = dict(tx.sql("select name, setting from pg_settings where source = 'session'").all())
    db.close()
    return found


def plan_as_a_worker(tx: Any, options: Mapping[str, str]) -> None:
    """Let this transaction's statements be planned as on a worker's connection."""
    for name, value in options.items():
        tx.sql("select set_config(%(name)s::text, %(value)s::text, true)", {"name": name, "value": value})


def cached_plan(tx: Any, options: Mapping[str, str], statement: str) -> list[Node]:
    """The nodes of the plan that a worker would keep for a statement, made for the tables as they are now."""
    plan_as_a_worker(tx, options)
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)", statement)))
    numbered = re.sub(r"%\((\w+)\)[sb]", lambda found: f"${names.index(found[1]) + 1}", statement)
    tx.sql(f"prepare kept as {numbered}")
    nodes = kept_plan(tx, "kept", len(names))
    tx.sql("deallocate kept")
    return nodes


def kept_plan(tx: Any, name: str, parameters: int) -> list[Node]:
    """The nodes of the plan that a connection keeps for a statement that it has prepared by that name."""
    (found,) = tx.sql(f"explain (format json) execute {name}({', '.join(['null'] * parameters)})").scalar_one()
    return list(nodes_of(found["Plan"]))
