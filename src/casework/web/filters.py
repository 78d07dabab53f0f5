"""Which cases a list shows, written in three ways: as the address of the page, as a call of the API, and as a command."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

from casework.core.lifecycle import CaseStatus
from casework.core.model import CaseFilter, LabelRef
from casework.core.statuses import read_statuses
from casework.wording import command, shell


@dataclass(frozen=True, slots=True)
class CaseQuery:
    """Cases of a queue: with one of the statuses, one of the values for each label key, and the words of the search."""

    queue: str
    statuses: tuple[CaseStatus, ...] = ()
    labels: tuple[LabelRef, ...] = ()
    search: str = ""

    @property
    def wanted(self) -> CaseFilter:
        """The filter, as services take it."""
        return CaseFilter(self.statuses, self._by_key(), search=self.search or None)

    @property
    def is_narrow(self) -> bool:
        """Whether anything is filtered."""
        return bool(self.statuses or self.labels or self.search)

    def _by_key(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for label in self.labels:
            found[label.key] = (*found.get(label.key, ()), label.value)
        return found

    def parameters(self) -> dict[str, list[str]]:
        """The parameters of the page's address; those that say nothing are left out."""
        given = {
            "queue": [self.queue],
            "status": [",".join(self.statuses)],
            "label": [f"{label.key}={label.value}" for label in self.labels],
            "search": [self.search],
        }
        return {name: values for name, values in given.items() if any(values)}

    def with_(self, **changes: object) -> "CaseQuery":
        """The query with these fields in place of its own."""
        return replace(self, **changes)  # type: ignore[arg-type]  # the fields of this class

    def with_label(self, label: LabelRef) -> "CaseQuery":
        """The query for those of its cases that have the label: one label of a key takes the place of another."""
        kept = tuple(one for one in self.labels if not label.key or one.key != label.key)
        return replace(self, labels=tuple(dict.fromkeys((*kept, LabelRef(label.value, label.key)))))

    def without_label(self, label: LabelRef) -> "CaseQuery":
        return replace(self, labels=tuple(one for one in self.labels if one != label))

    def api_call(self, origin: str) -> str:
        """The call that lists the same cases, as a curl command; the key comes from the environment."""
        method, path, body = self.http()
        send = ("--json", json.dumps(body, ensure_ascii=False)) if body is not None else ()
        assert method == ("GET" if body is None else "POST")
        # In double quotes, so that the shell puts the key in.
        return f'{shell("curl", f"{origin}{path}", *send)} -H "Authorization: Bearer $CASEWORK_API_KEY"'

    def http(self) -> tuple[str, str, dict[str, object] | None]:
        """The method, the path with its query, and the body of that call."""
        path = f"/v1/queues/by-name/{quote(self.queue, safe='')}/cases"
        if not self.labels:
            query = {"status": ",".join(self.statuses), "search": self.search}
            given = {name: value for name, value in query.items() if value}
            return "GET", path + (f"?{urlencode(given)}" if given else ""), None
        filters: dict[str, object] = {"labels": {key: list(values) for key, values in self._by_key().items()}}
        if self.statuses:
            filters["status"] = list(self.statuses)
        body: dict[str, object] = {"filters": filters}
        if self.search:
            body["search"] = self.search
        return "POST", f"{path}/search", body

    def cli(self, *act: str) -> str:
        """The command that lists the same cases, or that acts on them if the words of an act are given."""
        return command(*self.words(*act))

    def words(self, *act: str) -> list[str]:
        """The words of that command."""
        # A value is joined to its option with "=", because it may begin with a dash.
        status = "--current-status" if act[:1] == ("settle",) else "--status"
        found = ["cases", *(act or ("list",))]
        if self.statuses:
            found.append(f"{status}={','.join(self.statuses)}")
        found += [f"--label={_as_argument(label)}" for label in self.labels]
        if self.search:
            found.append(f"--search={self.search}")
        if act:
            return [*found, f"--queue={self.queue}"]
        return [*found, "--", self.queue] if self.queue.startswith("-") else [*found[:2], self.queue, *found[2:]]


def _as_argument(label: LabelRef) -> str:
    return f"{label.key}={label.value}"


def read_query(queue: str, given: Mapping[str, Sequence[str]]) -> CaseQuery:
    """The query of an address: `status` and `label` may be repeated. Raises InvalidInput."""
    return CaseQuery(
        queue,
        read_statuses(CaseStatus, ",".join(given.get("status", ())), "status"),
        tuple(dict.fromkeys(_labels(given.get("label", ())))),
        next((text.strip() for text in given.get("search", ()) if text.strip()), ""),
    )


def _labels(texts: Iterable[str]) -> Iterable[LabelRef]:
    for text in texts:
        if text.strip():
            key, separator, value = text.strip().partition("=")
            yield LabelRef(value, key) if separator else LabelRef(text.strip())
