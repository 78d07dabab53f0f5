"""Every sample of the README and the guides runs as it stands, on real processes. Only the API's port is changed."""

import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from casework.core.model import DEFAULT_TEAM, CaseFilter
from casework.service import cases, queues
from guides.blocks import blocks
from guides.derived import DOCUMENTS, GUIDES, README, ROOT
from guides.terminals import Terminals, opened

AGENTS, COMMANDS, IMPORTING, REQUESTS = (
    GUIDES / f"{name}.md" for name in ("agents", "commands-as-agents", "importing", "requests")
)
WITHOUT_AGENTS = [GUIDES / f"{name}.md" for name in ("operating", "agents-elsewhere", "http-api", "client", "limits")]
"""They share an installation, in which `doctor` finds all well as long as it comes first."""

pytestmark = [pytest.mark.process, pytest.mark.timeout(600)]


@pytest.fixture
def terminals(new_database, servers, tmp_path) -> Iterator[Terminals]:
    with opened(new_database("samples"), servers.redis, tmp_path) as found:
        yield found


def test_readme(terminals):
    terminals.play(README)
    terminals.wait_for_cases("complaints", completed=3)


def test_agents(terminals):
    terminals.play(AGENTS)
    terminals.wait_for_cases("orders", completed=1)
    terminals.wait_for_cases("payments", completed=2)
    payments = queues.get(terminals.db, DEFAULT_TEAM, "payments").id
    found = cases.find(terminals.db, payments, CaseFilter(), limit=2)
    history = {event.type for case in found for event in cases.get(terminals.db, DEFAULT_TEAM, case.id)[1]}
    assert {"needs_input", "attempt_failed"} <= history


def test_requests(terminals):
    terminals.play(REQUESTS)
    terminals.wait_for_cases("complaints", completed=1)
    complaints = queues.get(terminals.db, DEFAULT_TEAM, "complaints").id
    (case,) = cases.find(terminals.db, complaints, CaseFilter(), limit=2)
    assert cases.get(terminals.db, DEFAULT_TEAM, case.id)[1][-1].reason == "refunded 90 euros"


@pytest.mark.skipif(shutil.which("jq") is None, reason="the shell script of the guide uses jq")
def test_commands_as_agents(terminals):
    terminals.play(COMMANDS)
    terminals.wait_for_cases("streets", completed=1)
    terminals.wait_for_cases("bills", completed=1)
    bills = queues.get(terminals.db, DEFAULT_TEAM, "bills").id
    (bill,) = cases.find(terminals.db, bills, CaseFilter(), limit=2)
    assert "attempt_failed" in {event.type for event in cases.get(terminals.db, DEFAULT_TEAM, bill.id)[1]}


def test_the_tests_of_the_sample_agents(tmp_path):
    for block in blocks(AGENTS):
        if block.file:
            (tmp_path / block.file).write_text(block.text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_orders.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_operating_pull_agents_and_the_http_api(terminals):
    for document in WITHOUT_AGENTS:
        terminals.play(document)
    terminals.wait_for_cases("parcels", completed=2)
    terminals.wait_for_cases("letters", completed=1)
    terminals.wait_for_cases("refunds", completed=1)
    terminals.wait_for_cases("invoices", pending=2)


def test_importing(terminals):
    terminals.play(IMPORTING)
    terminals.wait_for_cases("tickets", pending=4)


def test_no_document_with_commands_is_left_out():
    with_commands = {document for document in DOCUMENTS if any(block.commands for block in blocks(document))}
    # Deployment takes Docker, or servers of one's own.
    assert with_commands - {ROOT / "deploy" / "README.md"} == {
        README,
        AGENTS,
        COMMANDS,
        IMPORTING,
        REQUESTS,
        *WITHOUT_AGENTS,
    }
