"""Rules of the code that a program can check."""

import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "casework"
FILES = sorted(SOURCE.rglob("*.py"))
MAX_LINES = 400
STATUS_WRITERS = {
    "store/transitions/by_tick.py",
    "store/transitions/by_run.py",
    "store/transitions/by_person.py",
    "store/transitions/clauses.py",
    "store/transitions/interrupts.py",
    "store/cases.py",
}
"""transitions moves; cases creates."""


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_files_are_short(file):
    assert len(file.read_text().splitlines()) <= MAX_LINES


def test_statuses_are_written_in_one_place():
    pattern = re.compile(
        r"set\s+status\s*=|\bsets_of_(case|run)\(|update\((cases|runs)\)|insert into (cases|runs)\b", re.IGNORECASE
    )
    writers = {
        str(file.relative_to(SOURCE))
        for file in FILES
        if pattern.search(file.read_text()) and "migrations" not in str(file)
    }
    assert writers <= STATUS_WRITERS


def test_no_module_is_named_after_nothing():
    assert not {file.stem for file in FILES} & {"utils", "helpers", "manager", "common", "misc"}


def test_every_public_function_and_class_has_a_docstring():
    missing = []
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text())):
            public = isinstance(
                node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
            ) and not node.name.startswith("_")
            if public and not ast.get_docstring(node) and not _is_nested_or_overload(file, node):
                missing.append(f"{file.relative_to(SOURCE)}:{node.lineno} {node.name}")
    assert missing == []


def _is_nested_or_overload(file: Path, node: ast.AST) -> bool:
    tree = ast.parse(file.read_text())
    for outer in ast.walk(tree):
        inside = [
            child for child in ast.walk(outer) if child is not outer and getattr(child, "lineno", None) == node.lineno
        ]
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef) and inside:
            return True
    overload = any(
        isinstance(decorator, ast.Name) and decorator.id == "overload"
        for decorator in getattr(node, "decorator_list", ())
    )
    overrides = getattr(node, "name", "") in ("format", "tell", "note", "refresh")
    return overload or overrides


def test_nothing_happens_at_import():
    """No connection, thread or process is made by importing anything."""
    import subprocess
    import sys

    code = (
        "import sys, threading, casework.cli, casework.worker, casework.embedded.supervisor; "
        "from casework.embedded import client; "
        "assert threading.active_count() == 1 and not client._held and not client._spawned"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
