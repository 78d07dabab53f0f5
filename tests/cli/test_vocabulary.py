"""One word for one thing: `--json` has the fields of the API, and the guide's table of names is true."""

import re
from dataclasses import fields

import pytest

import casework as public
from casework.agents import HandOver, HeldCase, Postpone, Run
from casework.api import schemas
from casework.api.app import create_app
from casework.api.routes import agents, limits, pull, queues, requests, runs
from casework.cli import console
from casework.core.model import Case
from factories import work_all
from guides.derived import GUIDES


@pytest.fixture
def shown(casework):
    """What the commands show of an installation with one of everything."""
    casework("queues", "create", "inbox")
    casework("agents", "create", "worker", "--python", "sample_agents:asks")
    casework("consumers", "set", "inbox", "worker")
    casework("limits", "set", "--queue", "inbox", "--at-once", "9")
    casework("cases", "add", "inbox", "hello", "--label", "k=v")
    db = console.installation().db
    work_all(db)
    (request,) = casework.json("requests", "list")
    casework("requests", "answer", request["id"], "red")
    work_all(db)
    (run,) = casework.json("runs", "list")
    (case,) = casework.json("cases", "list", "inbox")
    story = casework.json("cases", "show", case["id"])
    return {
        schemas.Case: case,
        schemas.CaseEvent: story["events"][0],
        schemas.Label: case["labels"][0],
        requests.HumanRequest: casework.json("requests", "show", request["id"]),
        runs.Run: casework.json("runs", "show", run["id"]),
        schemas.Message: casework.json("runs", "messages", run["id"])[0],
        queues.Queue: casework.json("queues", "list")[0],
        queues.Stats: casework.json("queues", "show", "inbox"),
        queues.Consumer: casework.json("consumers", "list", "inbox")[0],
        limits.Limit: casework.json("limits", "list")[0],
        agents.Agent: casework.json("agents", "list")[0],
        queues.DeletedQueue: casework.json("queues", "delete", "inbox", "--yes"),
    }


def test_json_has_the_fields_of_the_api(shown):
    absent = {
        schema.__name__: sorted(_always_there(schema) - set(found))
        for schema, found in shown.items()
        if _always_there(schema) - set(found)
    }
    assert absent == {}


def _always_there(schema) -> set[str]:
    required = {field.alias or name for name, field in schema.model_fields.items() if field.is_required()}
    return required - {"success"}  # a command says so by its exit code


def test_second_names_have_the_same_values(shown):
    request, message, deleted = shown[requests.HumanRequest], shown[schemas.Message], shown[queues.DeletedQueue]
    assert (request["kind"], request["answer"]) == (request["type"], request["response"]) == ("question", "red")
    assert message["created_at"] == message["timestamp"]
    assert message["content"]["text"] == message["text_content"]
    assert deleted["deleted_cases"] == deleted["deleted_case_count"] == 1


def test_the_case_of_a_run_has_the_words_of_the_api():
    held = {field.name for field in fields(HeldCase)}
    assert held <= {field.name for field in fields(Case)}
    assert held <= set(schemas.Case.model_fields)


def _rows() -> list[list[set[str]]]:
    """The names in the cells of the guide's table."""
    section = (GUIDES / "lifecycle.md").read_text().partition("## Names of fields")[2]
    lines = [line for line in section.splitlines() if line.startswith("| ") and "second name" not in line]
    return [[set(re.findall(r"`(\w+)`", cell)) for cell in line.strip("|").split("|")[1:]] for line in lines]


def test_the_guides_names_are_those_of_the_code(shown):
    assert len(_rows()) == 8
    words = str(create_app(console.installation()).openapi())
    keys = {key for found in shown.values() for key in found} | set(pull.Answer.model_fields)
    python = {*dir(Run), *public.__all__, *(field.name for kind in (HandOver, Postpone) for field in fields(kind))}
    for api, json, run in _rows():
        assert [name for name in api if f"'{name}'" not in words] == []
        assert json <= keys
        assert run <= python


def test_settling_offers_what_is_valid_and_no_more(casework):
    code, message = casework("cases", "settle", "12345678", "--status", "pending")
    assert (code, message) == (
        2,
        "Invalid value for '--status': 'pending' is not one of 'completed', 'failed'. See casework cases settle --help",
    )
