"""A misspelled option of a use case fails type checking, wherever it is called."""

import ast
from pathlib import Path

import pytest
from mypy import api

SERVICES = sorted((Path(__file__).parent.parent / "src" / "casework" / "service").rglob("*.py"))


def functions(file):
    return [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)]


@pytest.mark.parametrize("file", SERVICES, ids=lambda file: file.stem)
def test_no_use_case_takes_options_that_it_does_not_name(file):
    public = [function for function in functions(file) if not function.name.startswith("_")]
    assert [function.name for function in public if function.args.kwarg] == []
    untyped = [
        function.name
        for function in public
        for argument in (*function.args.args, *function.args.kwonlyargs)
        if argument.annotation and ast.unparse(argument.annotation) in ("dict[str, Any]", "Mapping[str, Any]")
    ]
    assert untyped == []


def test_type_checker_names_a_misspelled_option(tmp_path):
    call = tmp_path / "calls.py"
    call.write_text(
        "from uuid import UUID\n"
        "from casework.core.model import DEFAULT_TEAM, Priority\n"
        "from casework.service import agents, cases, queues\n"
        "from casework.settings import Settings\n"
        "from casework.store.database import Database\n"
        "def calls(db: Database, id: UUID) -> None:\n"
        "    cases.update(db, DEFAULT_TEAM, id, priority=Priority.HIGH)\n"
        "    cases.update(db, DEFAULT_TEAM, id, prioritty=Priority.HIGH)\n"
        "    queues.update(db, DEFAULT_TEAM, id, desciption=None)\n"
        "    agents.update(db, Settings(), DEFAULT_TEAM, id, max_attemps=3)\n"
    )
    output, _, status = api.run(["--strict", "--no-error-summary", str(call)])
    assert status == 1
    lines = [line for line in output.splitlines() if "calls.py" in line and "error" in line]
    assert [line.split(":")[1] for line in lines] == ["8", "9", "10"]
    assert all("Unexpected keyword argument" in line for line in lines)
