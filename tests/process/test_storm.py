"""A few faults of the storm, each once and briefly, and what the storm counts."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from chaos.count import count
from chaos.faults import FAULTS
from chaos.ledger import Ledger
from chaos.report import Report
from factories import claim, some_cases, work, worked_queue

QUICK = ("cancel-statements", "delete-agent")
COUNTED = ("lost", "doubled", "cap_exceeded", "left", "mistakes")


@pytest.mark.process
@pytest.mark.parametrize("fault", QUICK)
def test_a_storm_loses_doubles_and_exceeds_nothing(fault, tmp_path):
    found = tmp_path / "found.json"
    command = [sys.executable, "-m", "chaos", "--fault", fault, "--injections", "1", "--calm", "0.5", "--json", found]
    ran = subprocess.run(command, cwd=Path(__file__).parent.parent, capture_output=True, text=True, timeout=140)
    assert found.exists(), ran.stderr
    (report,) = json.loads(found.read_text())
    assert report["cases"] > 0
    assert {name: report[name] for name in COUNTED} == {**dict.fromkeys(COUNTED, 0), "mistakes": []}


def counted(db, ledger):
    report = Report("kill-worker", 1.0)
    count(db, ledger, report)
    return report


def test_a_case_that_did_not_end_is_lost(db):
    queue, _ = worked_queue(db)
    ledger = Ledger()
    ledger.accept(str(queue.id), [str(id) for id in some_cases(db, queue, 2)])
    assert counted(db, ledger).lost == 2
    for message in claim(db):
        work(db, message)
    assert counted(db, ledger).lost == 0


def test_a_case_that_is_gone_is_lost_unless_it_was_deleted(db):
    ledger = Ledger()
    ledger.accept("old", ["1", "2"])
    ledger.accept("new", ["3", "4"])
    assert counted(db, ledger).lost == 4
    ledger.deleted_queues.add("old")
    ledger.deleted.add("3")
    assert counted(db, ledger).lost == 1


def test_a_case_that_was_made_twice_for_one_key_is_doubled(db):
    queue, _ = worked_queue(db)
    first, _second = some_cases(db, queue, 2, data={"key": "k"})
    ledger = Ledger(asked={"k": 1}, answered={"k": [str(first)]})
    assert counted(db, ledger).doubled == 1


def test_every_fault_says_what_it_does():
    assert {name for name, fault in FAULTS.items() if not fault.inject.__doc__} == set()
