"""The README's shape: its two commands, its length, its order."""

import re
import subprocess

from guides.blocks import blocks
from guides.derived import README, ROOT

MAX_LINES = 260
ORDER = [
    "Quick start",
    "Concepts",
    "Guarantees and limits",
    "Agents elsewhere",
    "Operating it",
    "Compared with",
    "Speed",
    "Faults",
    "Guides",
]


def _two_commands() -> list[str]:
    return next(block.text for block in blocks(README) if block.language == "sh").strip().splitlines()


def test_it_is_short():
    assert len(README.read_text().splitlines()) <= MAX_LINES


def test_its_order():
    assert re.findall(r"^## (.*)$", README.read_text(), re.MULTILINE) == ORDER


def test_the_first_sh_block_holds_two_commands_each_enough_by_itself():
    demo, tests = _two_commands()
    for command in (demo, tests):
        make, install, _ = command.split(" && ")
        assert make == "python3 -m venv --without-pip .venv"
        assert install.startswith("python3 -m pip --python .venv/bin/python install -q pip -e ")
    assert demo.endswith("casework demo")
    assert tests.endswith("pytest")


def test_ci_runs_the_second_command():
    script = (ROOT / ".ci" / "run").read_text()
    assignment = re.search(r"^test_command=.*$", script, re.MULTILINE)
    assert assignment
    shown = subprocess.run(
        ["bash", "-c", f'{assignment[0]}; echo "$test_command"'], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == _two_commands()[1]
