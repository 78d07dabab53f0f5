"""A transaction that keeps the plans of what it reads, so that a test can count work instead of time."""

import json
import re
from typing import Any

from casework.store import server


class Explained:
    """Explains the statements that contain a text; the real ones are executed too."""

    def __init__(self, tx: Any, only: str = "") -> None:
        self.tx = tx
        self.only = only
        self.blocks = 0
        self.nodes: list[dict[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tx, name)

    def sql(self, statement: str, parameters: Any = None) -> Any:
        if self.only in statement:
            # Explained, it is executed; what it writes is taken back, to be written by the real one.
            self.tx.sql("savepoint explained")
            found = self.tx.sql("explain (format json, analyze, buffers) " + statement, parameters).scalar_one()
            self.tx.sql("rollback to explained")
            plan = (found if isinstance(found, list) else json.loads(found))[0]["Plan"]
            self.blocks += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
            self._walk(plan)
        return self.tx.sql(statement, parameters)

    def scans(self, relation: str) -> list[dict[str, Any]]:
        """How a table was read."""
        return [node for node in self.nodes if node.get("Relation Name") == relation and "Scan" in node["Node Type"]]

    def _walk(self, node: dict[str, Any]) -> None:
        self.nodes.append(node)
        for child in node.get("Plans", ()):
            self._walk(child)


def cached_plan(tx: Any, statement: str) -> list[dict[str, Any]]:
    """The nodes of the plan that a worker would keep for a statement, made for the tables as they are now."""
    names: list[str] = []

    def numbered(found: re.Match[str]) -> str:
        if found[1] not in names:
            names.append(found[1])
        return f"${names.index(found[1]) + 1}"

    tx.sql(server.setting(server.CACHED_PLANS))
    tx.sql("prepare kept as " + re.sub(r"%\((\w+)\)[sb]", numbered, statement))
    nodes = kept_plan(tx, "kept", len(names))
    tx.sql("deallocate kept")
    return nodes


def kept_plan(tx: Any, name: str, parameters: int) -> list[dict[str, Any]]:
    """The nodes of the plan that a connection keeps for a statement that it has prepared by that name."""
    found = tx.sql(f"explain (format json) execute {name}({', '.join(['null'] * parameters)})").scalar_one()
    explained = Explained(tx)
    explained._walk(found[0]["Plan"])
    return explained.nodes
