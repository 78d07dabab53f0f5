"""From a target to an agent: what the allow-list permits, and modules that are not what they should be."""

import pytest

from casework.agents import targets
from casework.agents.runners import registry
from casework.core.model import AgentKind
from casework.errors import CaseworkError, InvalidInput, InvalidSettings, TargetNotAllowed
from casework.settings import Settings, read_settings
from factories import SETTINGS


@pytest.fixture
def a_module(tmp_path, monkeypatch):
    """Writes an importable module."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name, text):
        tmp_path.joinpath(f"{name}.py").write_text(text)
        return name

    return write


@pytest.mark.parametrize(
    ("entry", "module", "allowed"),
    [
        ("billing", "billing", True),
        ("billing", "billing.agents", False),
        ("billing.agents", "billing.agents", True),
        ("billing.agents", "billing", False),
        ("billing.*", "billing", True),
        ("billing.*", "billing.agents", True),
        ("billing.*", "billing.agents.monthly", True),
        ("billing.*", "billings", False),
        ("billing.*", "billing.__main__", False),
        ("billing.__main__", "billing.__main__", False),
        ("billing.*", "os", False),
    ],
)
def test_modules_are_named_exactly_or_as_a_package_with_all_in_it(entry, module, allowed):
    if allowed:
        targets.check_allowed(f"{module}:agent", [entry])
    else:
        with pytest.raises(TargetNotAllowed, match=f"'{module}'"):
            targets.check_allowed(f"{module}:agent", [entry])


def test_the_agents_of_the_demo_need_no_permission():
    targets.check_allowed("casework.demo.agents:clerk", [])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("import sys\nsys.exit(3)", "it called exit(3)"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("class Odd(BaseException): pass\nraise Odd('first\\n\\nsecond')", "Odd: first second"),
        ("import nowhere_to_be_found", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("1 +", "SyntaxError: invalid syntax"),
    ],
)
def test_a_module_that_cannot_be_imported_is_named_in_one_line(a_module, text, problem):
    module = a_module("broken_agents", text)
    with pytest.raises(InvalidInput) as error:
        targets.load(f"{module}:agent", [module])
    assert str(error.value).startswith(f"The module 'broken_agents' cannot be imported: {problem}")
    assert "\n" not in str(error.value)


def test_a_module_with_unreadable_names_is_reported_by_name(a_module):
    module = a_module("lazy_agents", "def __getattr__(name):\n    raise SystemExit(name)")
    with pytest.raises(InvalidInput, match=r"lazy_agents:agent cannot be read: it called exit\('agent'\)"):
        targets.load(f"{module}:agent", [module])


def test_what_is_not_marked_as_an_agent_is_refused(a_module):
    module = a_module("plain_agents", "def plain(run): pass")
    with pytest.raises(InvalidInput, match=r"plain_agents:plain is not an agent: decorate it"):
        targets.load(f"{module}:plain", [module])


def test_an_entry_names_its_package(a_module):
    assert targets.imported(f"{a_module('good_agents', '')}.*").__name__ == "good_agents"


@pytest.mark.parametrize("entry", ["my agents", "*", ".*", "billing.", "billing.*.monthly", "billing:agent", "1st"])
def test_a_setting_with_an_invalid_module_name_is_refused(entry, monkeypatch):
    monkeypatch.setenv("CASEWORK_AGENT_MODULES", f"billing.agents, {entry}")
    with pytest.raises(InvalidSettings, match=r"CASEWORK_AGENT_MODULES: .* is neither a module"):
        read_settings()


def test_the_setting_lists_modules_and_packages():
    assert Settings(agent_modules=" a.b , c.* ,").modules == ("a.b", "c.*")


def test_each_kind_that_is_dispatched_has_a_runner_and_no_other():
    assert set(registry.RUNNERS) == {kind for kind in AgentKind if kind.is_dispatched}


def test_only_kinds_with_a_runner_have_a_target():
    registry.check(AgentKind.PYTHON, "sample_agents:completes", SETTINGS)
    registry.check(AgentKind.PULL, None, SETTINGS)
    for kind, target in (
        (AgentKind.PYTHON, None),
        (AgentKind.COMMAND, None),
        (AgentKind.PULL, "sample_agents:completes"),
    ):
        with pytest.raises(InvalidInput):
            registry.check(kind, target, SETTINGS)


def test_a_kind_that_this_version_does_not_know_is_refused():
    with pytest.raises(CaseworkError, match="cannot run an agent of kind 'graph'"):
        registry.load("graph", "ls", SETTINGS)
