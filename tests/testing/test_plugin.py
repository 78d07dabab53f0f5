"""The fixture that pytest finds where casework is installed."""

import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

PLUGIN = "casework.pytest_plugin"

TEST = """
from casework import Complete, agent

@agent
def asks(run):
    return Complete(run.ask("Name?"))

def test_it(run_agent):
    assert run_agent(asks, answers={"Name?": "Ann"}).outcome == Complete("Ann")
"""


def run(*arguments, cwd):
    return subprocess.run([sys.executable, *arguments], cwd=cwd, capture_output=True, text=True)


def test_the_fixture_is_there_without_an_import(tmp_path):
    (tmp_path / "test_mine.py").write_text(TEST)
    # An environment that was made before the plugin does not name it yet.
    installed = any(found.value == PLUGIN for found in entry_points(group="pytest11"))
    named = [] if installed else ["-p", PLUGIN]
    done = run("-m", "pytest", "-q", "-p", "no:cacheprovider", *named, "test_mine.py", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_package_names_the_plugin():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"casework": PLUGIN}


def test_the_plugin_costs_nothing_if_it_is_not_used(tmp_path):
    code = f"""
import pytest, sys
import {PLUGIN}
print(sorted(name for name in sys.modules if name.startswith("casework.")))
"""
    assert run("-c", code, cwd=tmp_path).stdout.strip() == f"['{PLUGIN}']"
