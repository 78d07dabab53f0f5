"""Rules of the code, and of its tests, that a program can check."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent
SOURCE = TESTS.parent / "src" / "casework"
FILES = sorted(SOURCE.rglob("*.py"))
TEST_FILES = sorted(TESTS.rglob("*.py"))

MOST_LINES = 350
MOST_LETTERS = 70
"""Of a test's name, so that it is read at a glance and a report shows it whole."""
MOST_PRIVATE_NAMES = 10
MOST_REPLACEMENTS = 20
"""A test that replaces or reads what is inside breaks with each change that changes no behaviour."""

USED_BY_OTHERS = ("casework", "casework.agents", "casework.client", "casework.testing", "casework.integrations")
"""What users import: an editor shows them its docstrings."""


@cache
def trees() -> dict[Path, ast.Module]:
    """The tests' files, parsed."""
    return {file: ast.parse(file.read_text()) for file in TEST_FILES}


def test_keeps_files_short():
    documents = [file for folder in (SOURCE, TESTS, TESTS.parent / "deploy") for file in folder.rglob("*.md")]
    texts = [*FILES, *TEST_FILES, *documents, TESTS.parent / "README.md"]
    assert [str(file) for file in texts if len(file.read_text().splitlines()) > MOST_LINES] == []


def test_writes_statuses_in_one_place():
    """The package of transitions moves cases and runs, and the module of cases creates them."""
    pattern = re.compile(
        r"set\s+status\s*=|\bsets_of_(case|run)\(|update\((cases|runs)\)|insert into (cases|runs)\b", re.IGNORECASE
    )
    writers = {file.relative_to(SOURCE) for file in FILES if pattern.search(file.read_text())}
    places = {Path("store/transitions"), Path("store/migrations"), Path("store/cases.py")}
    assert {file for file in writers if not places & {file, *file.parents}} == set()
    assert Path("store/cases.py") in writers


def test_names_no_module_after_nothing():
    assert not {file.stem for file in (*FILES, *TEST_FILES)} & {"utils", "helpers", "manager", "common", "misc"}


def test_documents_what_users_import():
    missing = []
    for name in USED_BY_OTHERS:
        module = importlib.import_module(name) if find_spec(name) else None
        for exported in getattr(module, "__all__", ()):
            found = getattr(module, exported)
            if inspect.isroutine(found) or inspect.isclass(found):
                missing += [where for where, part in _with_its_methods(exported, found) if not _has_docstring(part)]
    assert missing == []


def _with_its_methods(name: str, found: Any) -> Iterator[tuple[str, Any]]:
    yield name, found
    if inspect.isclass(found):
        for method, part in vars(found).items():
            if not method.startswith("_") and (inspect.isroutine(part) or isinstance(part, property)):
                yield f"{name}.{method}", part


def _has_docstring(found: Any) -> bool:
    text = found.__doc__ or ""
    # A dataclass without one gets its signature.
    return bool(text) and not text.startswith(f"{getattr(found, '__name__', '')}(")


def test_does_nothing_at_import():
    """No connection, thread or process is made by importing anything."""
    code = """
import os, threading
def opened():
    return sorted(os.readlink(f"/proc/self/fd/{fd.name}") for fd in os.scandir("/proc/self/fd") if os.path.exists(fd.path))
before = opened()
import casework.cli, casework.client, casework.worker, casework.embedded.supervisor, casework.embedded.client, casework.api.app
assert threading.active_count() == 1
assert not open(f"/proc/self/task/{os.getpid()}/children").read()
assert opened() == before
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_names_each_module_of_tests_once():
    """Folders of tests are no packages: pytest tells modules apart by their names."""
    names = Counter(file.name for file in trees() if file.name.startswith("test_"))
    assert [name for name, count in names.items() if count > 1] == []


def test_keeps_names_of_tests_short():
    names = {
        node.name
        for tree in trees().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }
    assert len(names) > 300
    assert {name for name in names if len(name) > MOST_LETTERS} == set()


def test_leaves_the_inside_alone_in_tests():
    private = [use for tree in trees().values() for use in _private_names(tree)]
    replaced = [use for tree in trees().values() for use in _replacements(tree)]
    assert len(private) <= MOST_PRIVATE_NAMES, private
    assert len(replaced) <= MOST_REPLACEMENTS, replaced


def _is_private(name: object) -> bool:
    return isinstance(name, str) and name.startswith("_") and not name.startswith("__")


def _private_names(tree: ast.AST) -> Iterator[str]:
    """Private names of others: `thing._name`, `from module import _name`, and `monkeypatch.setattr(thing, "_name", ...)`."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(ast.Name("self" | "cls" | "os")):
                pass
            case ast.Attribute(_, name) if _is_private(name):
                yield ast.unparse(node)
            case ast.ImportFrom(module, names):
                yield from (f"{module}.{one.name}" for one in names if _is_private(one.name))
            case ast.Call(ast.Attribute(_, "setattr"), [_, ast.Constant(name), *_]) if _is_private(name):
                yield ast.unparse(node)


def _replacements(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(ast.Attribute(_, "setattr" | "delattr" | "setitem" | "delitem")):
                yield ast.unparse(node)
