"""What `casework up` writes for what happens, and when it says that files have changed."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from casework.cli.up import lines
from casework.cli.up.modules import Watched
from casework.core.lifecycle import EventType
from casework.core.model import CaseId, RunId
from casework.service.activity import Failure

CASE, RUN = UUID(int=0x1234ABCD), UUID(int=0x5678ABCD)
FAILURE = Failure(
    id=1,
    at=datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
    type=EventType.FAILED,
    case_id=CaseId(CASE),
    title="a title",
    run_id=RunId(RUN),
    agent_name="triage",
    reason="KeyError: 'zip'",
    failures=1,
    max_attempts=5,
    again_in=None,
    has_traceback=True,
)


def failed(*found):
    return [line.plain[9:] for line in lines.failed(found)]


def relayed(fields, *, verbose=False):
    line = lines.relayed("worker-1", json.dumps(fields), verbose=verbose)
    return line and line.plain[9:]


def test_a_failure_names_case_agent_reason_and_traceback():
    assert failed(FAILURE) == [
        "case 1234abcd \"a title\" failed in triage: KeyError: 'zip'  Traceback: casework runs show 5678abcd"
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"again_in": timedelta(seconds=4)}, "will be tried again in 4 s (attempt 1 of 5 failed), triage: KeyError"),
        ({}, "will be tried again (attempt 1 of 5 failed), triage: KeyError"),
        ({"failures": 0, "again_in": timedelta(seconds=30)}, "will be tried again in 30 s, triage: KeyError"),
    ],
)
def test_a_retry_says_when_and_how_many_attempts_failed(changes, words):
    (line,) = failed(replace(FAILURE, type=EventType.ATTEMPT_FAILED, **changes))
    assert words in line


def test_what_a_title_and_a_reason_hold_stays_in_its_line():
    (line,) = failed(replace(FAILURE, title="a\x1b[2J" + "b" * 100, reason="first\nsecond" + "c" * 1000))
    assert "\n" not in line
    assert "\x1b" not in line
    assert len(line) < 500


def test_many_failures_that_are_alike_are_two_lines():
    many = [replace(FAILURE, id=number, title=f"case {number}") for number in range(100)]
    first, rest = failed(*many)
    assert '"case 0" failed' in first
    assert rest == "and 99 more cases in the same way"


def test_many_different_failures_are_cut_and_counted():
    shown = failed(*(replace(FAILURE, id=number, reason=f"reason {number:02}") for number in range(30)))
    assert [line.partition("reason ")[2][:2] for line in shown[:10]] == [f"{number:02}" for number in range(10)]
    assert shown[10:] == ["and 20 other failures: casework runs list --status failed"]


def test_what_a_run_says_has_case_and_run_in_front():
    ids = {"case": str(CASE), "run": str(RUN)}
    assert relayed({"printed": "a\tb\x1b[1m", **ids}) == r"case 1234abcd run 5678abcd  a" + "\tb\\x1b[1m"
    logged = {"level": "warning", "logger": "mine", "action": "careful\n", **ids, "traceback": "Traceback:\n  x"}
    assert relayed(logged) == "case 1234abcd run 5678abcd  warning: careful\nTraceback:\n  x"


def test_routine_of_the_processes_is_shown_only_if_asked_for():
    own = {"at": "x", "logger": "casework"}
    routine = {**own, "level": "info", "action": "worker.ready", "worker": "w"}
    warning = {**own, "level": "warning", "action": "broker.unavailable", "error": "e"}
    repeated = {**own, "level": "warning", "action": "run.lost", "run": "r"}
    assert [relayed(one) for one in (routine, repeated)] == [None, None]
    assert relayed(routine, verbose=True) == "worker-1  worker.ready worker=w"
    assert relayed(warning) == "worker-1  warning: broker.unavailable error=e"


@pytest.mark.parametrize("line", ["plain text", "{not json", '{"is": "json"}', "[1]"])
def test_what_is_no_relayed_line_is_shown_as_it_is(line):
    shown = lines.relayed("worker-1", line, verbose=False)
    assert shown.plain[9:] == f"worker-1  {line}"


def test_json_lines_stay_json_without_requests():
    served, other = '{"action": "api.request", "path": "/"}', '{"action": "worker.ready"}'
    assert lines.unparsed("api", served, verbose=False) is None
    assert lines.unparsed("api", served, verbose=True).plain.endswith(served)
    assert lines.unparsed("api", other, verbose=False).plain.endswith(other)


def written(file, at):
    file.write_text(str(at))
    os.utime(file, ns=(at, at))


def test_a_change_is_told_once_the_file_is_quiet(tmp_path):
    file = tmp_path / "mine.py"
    written(file, 1000)
    watched = Watched()
    watched.watch([str(file)])
    assert watched.changed() == []
    written(file, 2000)
    assert watched.changed() == []
    written(file, 3000)
    assert watched.changed() == []
    assert watched.changed() == [str(file)]
    assert watched.changed() == []


def test_a_change_while_modules_are_imported_again_is_told(tmp_path):
    file, other = tmp_path / "mine.py", tmp_path / "other.py"
    written(file, 1000)
    watched = Watched()
    watched.watch([str(file)])
    written(file, 2000)
    written(other, 2000)
    watched.watch([str(file), str(other)])
    assert [watched.changed(), watched.changed()] == [[], [str(file)]]


def test_files_are_watched_on_when_an_import_named_none(tmp_path):
    file = tmp_path / "mine.py"
    written(file, 1000)
    watched = Watched()
    watched.watch([str(file)])
    watched.watch([])
    file.unlink()
    assert [watched.changed(), watched.changed()] == [[], [str(file)]]
