"""Frameworks and their agents for the suite, and a table of what it has shown, after `pytest tests/integrations`."""

from collections import defaultdict

import pytest

from casework.service import agents
from casework.testing import run_agent
from factories import TEAM, a_consumer, a_queue, claim, some_cases
from integrations.conformance import FRAMEWORKS, Framework, Guarantee, case_of
from integrations.shown import SETTINGS

shown: dict[tuple[str, str], list[str]] = defaultdict(list)
"""The outcomes of the tests that show a guarantee with a framework."""


@pytest.fixture(params=FRAMEWORKS, ids=lambda one: one.name)
def framework(request):
    if request.param.version is None:
        pytest.skip(f"{request.param.package} is not installed")
    return request.param


@pytest.fixture
def ledger(tmp_path):
    return tmp_path / "ledger"


@pytest.fixture
def tried(framework, ledger):
    """Run one of the framework's agents on a script, in the kit."""

    def play(*script, name="conforming", **options):
        ledger.unlink(missing_ok=True)
        found = name if not isinstance(name, str) else framework.agent(name)
        return run_agent(found, data=case_of(script, ledger), max_attempts=50, **options)

    return play


@pytest.fixture
def real(framework, ledger, db):
    """A case with this script that a run of the engine holds: its message."""

    def begin(*script, name="conforming"):
        queue = a_queue(db)
        a_consumer(db, queue, agents.create(db, SETTINGS, TEAM, "worker", target=framework.target(name)))
        some_cases(db, queue, data=case_of(script, ledger))
        (message,) = claim(db)
        return message

    return begin


def pytest_runtest_setup(item: pytest.Item) -> None:
    mark = item.get_closest_marker("guarantee")
    framework = getattr(item, "callspec", None) and item.callspec.params.get("framework")  # type: ignore[attr-defined]
    if mark and isinstance(framework, Framework):
        # What a test says of itself reaches the process that prints.
        item.user_properties.append(("guarantee", [framework.name, str(mark.args[0])]))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    for name, found in report.user_properties:
        if name == "guarantee" and (report.when == "call" or report.outcome != "passed"):
            framework, guarantee = found
            shown[framework, guarantee].append(report.outcome)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    tried = [one for one in FRAMEWORKS if any(name == one.name for name, _ in shown)]
    if not tried:
        return
    terminalreporter.section("guarantees")
    terminalreporter.write_line(" | ".join(["guarantee", *(f"{one.name} {one.version}" for one in tried)]))
    for guarantee in Guarantee:
        terminalreporter.write_line(" | ".join([guarantee, *(_counted(one, guarantee) for one in tried)]))


def _counted(framework: Framework, guarantee: Guarantee) -> str:
    found = shown[framework.name, str(guarantee)]
    return (
        ", ".join(f"{found.count(one)} {one}" for one in ("passed", "failed", "skipped") if one in found) or "not tried"
    )
