"""What happens, as lines for a person: what processes log, what agents log and print, and what fails."""

import json
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from rich.text import Text

from casework.cli import services
from casework.cli.console import counted
from casework.core.lifecycle import EventType
from casework.events import RequestServed, RunLost, RunTimedOut
from casework.printable import printable
from casework.service.activity import Failure

_FAREWELL = re.compile(r"worker: \w+ shutdown \(MainProcess\)")
"""What Celery's workers print when they are stopped."""

_SHOWN_AS_FAILURES = (RunLost.action, RunTimedOut.action)

_LEVEL_STYLES = {"warning": "yellow", "error": "red", "critical": "red"}
_LONGEST_TITLE = 40
_LONGEST_REASON = 300
_MOST_FAILURES = 10
"""Of one look: a person reads no more, and a terminal should not be flooded with what one mistake does to many cases."""


def relayed(name: str, line: str, *, verbose: bool) -> Text | None:
    """A line that the process of that name wrote; None if it is not to be shown."""
    try:
        fields = json.loads(line) if line.startswith("{") else None
    except ValueError:
        fields = None
    if isinstance(fields, dict) and {"case", "run"} <= fields.keys() and ("printed" in fields or not _is_own(fields)):
        return _of_agent(fields)
    if isinstance(fields, dict) and {"level", "action", "logger"} <= fields.keys():
        return _of_process(name, fields) if verbose or not _is_routine(fields) else None
    if not verbose and _FAREWELL.fullmatch(line):
        return None
    return Text.assemble(_now(), " ", (f"{name:<9}", "dim"), " ", printable(line, lines=True))


def unparsed(name: str, line: str, *, verbose: bool) -> Text | None:
    """The same for lines that are to stay JSON."""
    if not verbose and f'"action": "{RequestServed.action}"' in line:
        return None
    return Text.assemble((f"{name:<9}", "dim"), " ", printable(line))


def _is_own(fields: dict[str, Any]) -> bool:
    return str(fields.get("logger")).partition(".")[0] == "casework"


def _is_routine(fields: dict[str, Any]) -> bool:
    """Whether it is casework's own, and no warning or one that a failure's line repeats."""
    return _is_own(fields) and (fields["level"] in ("debug", "info") or fields["action"] in _SHOWN_AS_FAILURES)


def _of_agent(fields: dict[str, Any]) -> Text:
    where = f"case {_short(fields['case'])} run {_short(fields['run'])}"
    if "printed" in fields:
        return Text.assemble(_now(), " ", (where, "dim"), "  ", printable(str(fields["printed"]), lines=True))
    return Text.assemble(_now(), " ", (where, "dim"), "  ", *_level(fields), *_message(fields))


def _of_process(name: str, fields: dict[str, Any]) -> Text:
    told = ("at", "level", "logger", "action", "traceback")
    ids = " ".join(f"{key}={printable(str(value))}" for key, value in fields.items() if key not in told)
    return Text.assemble(_now(), " ", (f"{name:<9}", "dim"), " ", *_level(fields), *_message(fields, ids))


def _message(fields: dict[str, Any], ids: str = "") -> Iterable[str]:
    yield printable(str(fields["action"]).rstrip(), lines=True)
    if ids:
        yield f" {ids}"
    if "traceback" in fields:
        yield f"\n{printable(str(fields['traceback']), lines=True)}"


def _level(fields: dict[str, Any]) -> Iterable[tuple[str, str]]:
    level = str(fields["level"])
    if level in _LEVEL_STYLES:
        yield f"{level}: ", _LEVEL_STYLES[level]


def failed(found: Sequence[Failure]) -> Iterable[Text]:
    """A line for each failure; of many that are alike, one line and their number."""
    alike = [list(group) for _, group in groupby(sorted(found, key=_kind), key=_kind)]
    for group in sorted(alike, key=lambda group: group[0].id)[:_MOST_FAILURES]:
        yield _failure(group[0])
        if len(group) > 1:
            yield Text.assemble(_now(), f" and {counted(len(group) - 1, 'more case')} in the same way", style="dim")
    if len(alike) > _MOST_FAILURES:
        left = sum(map(len, alike[_MOST_FAILURES:]))
        yield Text.assemble(_now(), f" and {counted(left, 'other failure')}: casework runs list --status failed")


def _kind(one: Failure) -> tuple[str, str, str]:
    return one.agent_name, one.type, one.reason or ""


def _failure(one: Failure) -> Text:
    agent, reason = printable(one.agent_name), _cut(one.reason or "no reason given", _LONGEST_REASON)
    line = Text.assemble(_now(one.at), f' case {_short(one.case_id)} "{_cut(one.title, _LONGEST_TITLE)}" ')
    if one.type is EventType.ATTEMPT_FAILED:
        line.append("will be tried again", "yellow").append(f"{_when(one)}, {agent}: {reason}")
    else:
        was_stopped = one.type is EventType.STOPPED
        line.append("was stopped" if was_stopped else "failed", "yellow" if was_stopped else "bold red")
        line.append(f" in {agent}: {reason}")
    if one.has_traceback:
        line.append(f"  Traceback: casework runs show {_short(one.run_id)}")
    return line


def _when(one: Failure) -> str:
    soon = f" in {max(0.0, one.again_in.total_seconds()):.0f} s" if one.again_in else ""
    # A wait that a service asked for counts as no failure.
    return f"{soon} (attempt {one.failures} of {one.max_attempts} failed)" if one.failures else soon


def _cut(text: str, length: int) -> str:
    return printable(text if len(text) <= length else f"{text[:length]}…")


def _short(id: object) -> str:
    return str(id)[-services.short_ids.SHOWN :]


def _now(at: datetime | None = None) -> tuple[str, str]:
    return (at.astimezone() if at else datetime.now().astimezone()).strftime("%H:%M:%S"), "dim"
