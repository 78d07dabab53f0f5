"""What importing the modules of agents shows, in the process that does it."""

import json
import os
import subprocess
import sys

import pytest

GOOD = "from casework import agent, Complete\n\n@agent\ndef triage(run):\n    return Complete()\n"


@pytest.fixture
def inspected(tmp_path):
    """Inspects modules with these texts: `inspected({name: text}, *arguments) -> (findings, what they printed)`."""

    def inspect(texts, *arguments):
        for name, text in texts.items():
            (tmp_path / f"{name}.py").write_text(text)
        done = subprocess.run(
            [sys.executable, "-m", "casework.agents.inspection", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": ""},
            capture_output=True,
            text=True,
            timeout=60,
        )
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    return inspect


def problems(findings):
    return [found["problem"] for found in findings if "problem" in found]


def test_agents_are_named_and_files_of_their_code_listed(inspected, tmp_path):
    findings, _ = inspected({"mine": f"import helper\n{GOOD}", "helper": "import json"}, "mine")
    assert {"module": "mine", "agents": ["mine:triage"]} in findings
    assert findings[-1] == {"files": [str(tmp_path / "helper.py"), str(tmp_path / "mine.py")]}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x = 1\ndef f(:\n", "SyntaxError: invalid syntax (mine.py, line 2)"),
        ("import json\n\njson.loads('{')", "JSONDecodeError: "),
        ("import nowhere", "ModuleNotFoundError: No module named 'nowhere' (mine.py, line 1)"),
        ("raise SystemExit(3)", "it called exit(3) (mine.py, line 1)"),
    ],
)
def test_import_error_is_named_with_its_place(inspected, tmp_path, text, problem):
    findings, _ = inspected({"mine": text}, "mine")
    (found,) = problems(findings)
    assert found.startswith(f"The module 'mine' cannot be imported: {problem}")
    assert "(mine.py, line " in found
    assert str(tmp_path / "mine.py") in findings[-1]["files"]


def test_error_in_a_module_that_is_imported_names_that_module(inspected, tmp_path):
    findings, _ = inspected({"mine": "import helper", "helper": "\n\nnothing"}, "mine")
    assert problems(findings)[0].endswith("NameError: name 'nothing' is not defined (helper.py, line 3)")
    assert findings[-1]["files"] == [str(tmp_path / "helper.py"), str(tmp_path / "mine.py")]


def test_module_that_is_nowhere_is_told_from_one_that_lacks_something(inspected, tmp_path):
    findings, _ = inspected({"mine": "import nowhere"}, "mine", "mien")
    assert [found["missing"] for found in findings if "problem" in found] == [False, True]
    assert str(tmp_path) in findings[-1]["files"]


def test_target_that_is_not_there_is_named(inspected):
    findings, _ = inspected({"mine": GOOD}, "mine", "mine:triage", "mine:triaj")
    assert problems(findings) == ["The module 'mine' has no function 'triaj'."]


def test_what_a_module_prints_is_no_finding(inspected):
    findings, printed = inspected({"mine": "import os\nprint('{\"x\": 1}')\nos.system('echo two')"}, "mine")
    assert printed.splitlines() == ["two", '{"x": 1}'] or printed.splitlines() == ['{"x": 1}', "two"]
    assert {"module": "mine", "agents": []} in findings


def test_module_that_ends_the_process_is_the_last_that_is_named(inspected):
    findings, _ = inspected({"mine": "import os\nos._exit(3)", "other": GOOD}, "other", "mine")
    assert findings[-1]["importing"] == "mine"


def test_thread_of_a_module_does_not_keep_the_process(inspected):
    text = "import threading\nthreading.Thread(target=threading.Event().wait).start()\n"
    findings, _ = inspected({"mine": text + GOOD}, "mine")
    assert {"module": "mine", "agents": ["mine:triage"]} in findings
