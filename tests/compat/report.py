"""The table of setups, as Markdown."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

README = Path(__file__).parent.parent.parent / "deploy" / "README.md"
_PLACE = re.compile(r"(?s)(<!-- walked -->\n).*?(\n<!-- end of walked -->)")


@dataclass(frozen=True, slots=True)
class Result:
    """How a setup fared: it works, fails, or was skipped."""

    name: str
    title: str
    versions: str
    outcome: str


def table(results: Sequence[Result]) -> str:
    """All of them."""
    lines = ["| setup | | with | |", "|---|---|---|---|"]
    lines += [f"| `{one.name}` | {one.title} | {one.versions} | {one.outcome} |" for one in results]
    return "\n".join(lines)


def write(results: Sequence[Result]) -> None:
    """Put the table in the place of the one before it."""
    made = table(results)
    README.write_text(_PLACE.sub(lambda found: f"{found[1]}{made}{found[2]}", README.read_text()))
