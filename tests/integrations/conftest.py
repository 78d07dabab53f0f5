"""Prints what the suite has shown, as a table, after `pytest tests/integrations`."""

from collections import defaultdict

import pytest

from integrations.conformance import FRAMEWORKS, Framework, Guarantee

shown: dict[tuple[str, str], list[str]] = defaultdict(list)
"""The outcomes of the tests that show a guarantee with a framework."""


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
