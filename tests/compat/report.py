"""The table of setups, as Markdown."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

README = Path(__file__).parent.parent.parent / "deploy" / "README.md"
_PLACE = re.compile(r"(?s)(<!-- walked -->\n)(.*?)(<!-- end of walked -->)")


@dataclass(frozen=True, slots=True)
class Result:
    """How a setup fared: it works, fails, or was skipped."""

    name: str
    title: str
    versions: str
    outcome: str


def table(results: Sequence[Result]) -> str:
    """All of them."""
    return _lines(_row(one) for one in results)


def write(results: Sequence[Result], order: Sequence[str]) -> None:
    """Put those that work into the table of the README, in that order; the rows of the others stay as they are."""
    text = README.read_text()
    place = _PLACE.search(text)
    assert place, f"{README} has no place for the table"
    rows = {found[1]: found[0] for found in re.finditer(r"(?m)^\| `([^`]+)` .*$", place[2])}
    rows |= {one.name: _row(one) for one in results if one.outcome == "works"}
    made = _lines(rows[name] for name in order if name in rows)
    README.write_text(f"{text[: place.end(1)]}{made}\n{text[place.start(3) :]}")


def _row(one: Result) -> str:
    return f"| `{one.name}` | {one.title} | {one.versions} | {one.outcome} |"


def _lines(rows: Iterable[str]) -> str:
    return "\n".join(("| setup | | with | |", "|---|---|---|---|", *rows))
