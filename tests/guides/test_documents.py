"""What the README and the guides say of the code is true of the code."""

import json
import re

import pytest
import yaml
from click import Command
from typer.testing import CliRunner

from bench.markdown import HEADER, write
from bench.parts import PARTS
from calling import a_run
from casework.agents import Run
from casework.agents.runners import command, protocol
from casework.agents.stop import Stop
from casework.cli import app, mcp
from casework.core.lifecycle import CaseStatus, EventType, RunStatus
from casework.core.model import CounterName
from casework.errors import InvalidInput
from casework.settings import Settings
from chaos import markdown
from chaos.faults import FAULTS
from guides.blocks import blocks
from guides.derived import BENCH, CHAOS, DERIVED, DOCUMENTS, GUIDES, README, ROOT, commands, parts, renewed, rows

GUIDE_FILES = sorted(GUIDES.glob("*.md"), key=lambda guide: guide.stem)
ALL = [
    *DOCUMENTS,
    BENCH,
    CHAOS,
    *(found for found in sorted((ROOT / "deploy").glob("*.md")) if found not in DOCUMENTS),
    *sorted((ROOT / ".github").glob("*.md")),
]


def _name(document) -> str:
    return str(document.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_derived_parts_are_as_the_code_has_them(document):
    assert renewed(document.read_text()) == document.read_text(), "run `.venv/bin/python tests/guides/derived.py`"


def test_every_derived_part_is_in_some_document():
    assert {name for document in DOCUMENTS for name in parts(document.read_text())} == set(DERIVED)


@pytest.mark.parametrize("document", ALL, ids=_name)
def test_links_lead_somewhere(document):
    for link in re.findall(r"\]\((?!http)([^)]+)\)", document.read_text()):
        file, _, heading = link.partition("#")
        target = document.parent / file if file else document
        assert target.exists(), link
        assert not heading or heading in _headings(target), link


def _headings(document) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", ALL, ids=_name)
def test_commands_exist_with_their_options(document):
    known = dict(commands())
    for line in _commands_in(document):
        words = line.split()
        name = max((name for name in known if " ".join([*words, ""]).startswith(f"{name} ")), key=len, default=None)
        assert name or _is_a_group(words, known), line
        if name:
            options = {
                option for parameter in known[name].params for option in parameter.opts + parameter.secondary_opts
            }
            assert {word for word in words if word.startswith("--")} <= options | {"--help"}, line


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_every_python_sample_is_a_file_that_is_run(document):
    """The files are written and the commands typed by `test_samples`; tests of samples run there too."""
    typed = " ".join(command for block in blocks(document) for command in block.commands)
    for block in blocks(document):
        if block.language == "python":
            assert block.file
            module = block.file.removesuffix(".py")
            assert module.startswith("test_") or re.search(rf"\b{module}\b", typed), block.file


def _commands_in(document) -> list[str]:
    text = document.read_text()
    typed = [command for block in blocks(document) for command in block.commands]
    inline = re.findall(r"`(casework [^`]+)`", re.sub(r"(?ms)^```.*?^```$", "", text))
    return [
        re.split(r" \| | > | && |\)", found)[0].removeprefix("$ ")
        for one in typed + inline
        for found in re.findall(r"\bcasework [a-z-].*", one.replace("\\\n", " "))
    ]


def _is_a_group(words: list[str], known: dict[str, Command]) -> bool:
    return len(words) == 2 and (
        words[1].startswith("-") or any(name.startswith(" ".join(words) + " ") for name in known)
    )


@pytest.mark.parametrize("document", ALL, ids=_name)
def test_variables_are_settings(document):
    named = set(re.findall(r"CASEWORK_[A-Z_]*[A-Z]\b", document.read_text()))
    of_commands = {command.CASE_FILE, command.RUN_ID, command.ATTEMPT, mcp.KEY}
    assert named <= {f"CASEWORK_{name.upper()}" for name in Settings.model_fields} | of_commands


def test_log_actions_to_watch_are_logged():
    watched = re.search(r"Watch\n(.*?)\.\n", (GUIDES / "operating.md").read_text(), re.DOTALL)
    actions = re.findall(r"`([a-z_.]+)`", watched[1])
    source = "".join(file.read_text() for file in (ROOT / "src").rglob("*.py"))
    assert len(actions) == 5
    assert [action for action in actions if f'"{action}"' not in source] == []


def test_every_call_on_a_run_is_described():
    table = (GUIDES / "agents.md").read_text().partition("## Outcomes")[0]
    described = set(
        re.findall(r"`(\w+)", "".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `")))
    )
    called = {name for name in dir(Run) if not name.startswith("_")}
    assert described == called | {"id", "attempt", "agent_name", "state"}


def test_every_line_of_a_command_is_described_and_valid():
    text = (GUIDES / "commands-as-agents.md").read_text()
    shown = re.findall(r"^\| `(\{.*?\})` \|", text, re.MULTILINE)
    said = {protocol.parse(line.replace("[...]", '[{"value": "x"}]').replace("...", '"x"')).__class__ for line in shown}
    assert said == {*protocol.LINES.values(), *protocol.OUTCOMES.values()}


def test_every_field_that_a_command_gets_is_described():
    text = (GUIDES / "commands-as-agents.md").read_text().partition("## What it gets")[2].partition("## ")[0]
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    assert re.findall(r"`(\w+)`", "".join(cells)) == list(json.loads(protocol.case_of(a_run(Stop()))))


@pytest.mark.parametrize("words", [CaseStatus, RunStatus, EventType, CounterName], ids=lambda words: words.__name__)
def test_the_lifecycle_guide_names_everything(words):
    text = (GUIDES / "lifecycle.md").read_text()
    assert [str(word) for word in words if f"`{word}`" not in text] == []


def test_the_benchmark_readme_has_the_columns_and_parts_of_the_command():
    text = BENCH.read_text()
    assert "\n".join(HEADER) in text
    explained = text.partition("## Parts")[2].partition("## Peers")[0]
    assert re.findall(r"(?m)^\| `([a-z-]+)` \|", explained) == list(PARTS)
    assert {row[0] for row in rows(BENCH)} <= set(PARTS)


def test_the_chaos_readme_has_the_columns_and_faults_of_the_command():
    assert [row[1].strip("`") for row in rows(CHAOS)] == list(FAULTS)
    assert f"| {' | '.join(markdown.COLUMNS)} |" in CHAOS.read_text()


def test_a_storm_becomes_a_row():
    report = {
        "fault": "kill-worker",
        "injections": 5,
        "cases": 12,
        "lost": 0,
        "doubled": 1,
        "cap_exceeded": 2,
        "refused": 3,
        "recoveries": [1.0, 3.0, 2.0],
        "before": 10.0,
        "during": 5.0,
        "after": 11.0,
    }
    header, _, row = markdown.table([report]).splitlines()
    assert header.startswith("| fault, 5 times each | name |")
    assert row.endswith("| `kill-worker` | 12 | 0 | 1 | 2 | 3 | 2.0 s / 3.0 s | 50%, 110% |")


def test_a_measured_table_is_replaced_where_it_stands(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- measured -->\n| old |\n|---|\n<!-- end of measured -->\nafter\n")
    write("| new |\n|---|\n| 1 |", readme)
    assert rows(readme) == [["1"]]
    assert readme.read_text().startswith("before\n")
    assert readme.read_text().endswith("\nafter\n")


def test_hooks_and_workflow_run_what_ci_runs():
    ci = (ROOT / ".ci" / "run").read_text()
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert [hook["entry"] for hook in hooks if hook["entry"].removeprefix(".venv/bin/") not in ci] == []
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    assert {"run": ".ci/run"} in jobs["checks"]["steps"]


def test_the_readme_links_every_guide():
    assert [guide.name for guide in GUIDE_FILES if f"({_name(guide)})" not in README.read_text()] == []


def test_guide_lists_the_guides_with_their_titles():
    listed = json.loads(CliRunner().invoke(app, ["guide", "--json"]).output)
    assert [one["name"] for one in listed] == [guide.stem for guide in GUIDE_FILES]
    assert {"name": "agents", "title": "Writing agents"} in listed


@pytest.mark.parametrize("guide", GUIDE_FILES, ids=lambda guide: guide.stem)
def test_guide_shows_a_guide_as_it_is(guide):
    assert CliRunner().invoke(app, ["guide", guide.stem]).output.rstrip() == guide.read_text().rstrip()


def test_an_unknown_guide_is_an_error_that_names_the_guides():
    with pytest.raises(InvalidInput, match=r"There is no guide 'agnets'.*agents, agents-elsewhere"):
        CliRunner().invoke(app, ["guide", "agnets"], catch_exceptions=False)
