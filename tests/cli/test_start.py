"""A command starts fast, because it imports what it needs and nothing else."""

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from celery.platforms import ROOT_DISCOURAGED

from casework.cli import COMMANDS
from casework.cli.lazy import load
from casework.cli.roles import ROOT_WARNING

SHELL = {"casework", "typer", "annotated_doc", "shellingham", "click"}
DRAWING = {"rich", "pygments", "markdown_it", "mdurl", "linkify_it", "attr"}
"""rich, and what it asks for and may not find."""
VALUES = {"pydantic", "pydantic_core", "annotated_types", "typing_inspection", "typing_extensions"}
DRIVER = {"psycopg", "psycopg_binary", "psycopg_c", "backports_abc", "typing_extensions"}
"""The driver, and what a build of it asks for and may not find."""
DATABASE = {"uuid_utils", "pydantic_settings", "dotenv"}


def modules_of(*command, **environment):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *command],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return set(re.findall(r"^import time:.*\| +(\S+)$", done.stderr, re.MULTILINE))


def imported(*arguments, **environment):
    """The packages outside of the standard library that a command imports, and all modules."""
    script = Path(sys.executable).with_name("casework")
    modules = modules_of(str(script), *arguments, **environment)
    return {name.partition(".")[0] for name in modules - of_the_interpreter()} - sys.stdlib_module_names, modules


@cache
def of_the_interpreter():
    """What each start imports in this environment, before it comes to a command."""
    return modules_of("-c", "import pickle, sysconfig; sysconfig.get_config_vars()")


@pytest.mark.parametrize("arguments", [("--help",), ("queues", "--help"), ("queues", "list", "--help")])
def test_help_imports_only_its_renderer(arguments):
    packages, modules = imported(*arguments)
    assert packages <= SHELL | DRAWING | VALUES
    assert not {name for name in modules if name.startswith(("casework.service.", "casework.store", "casework.wiring"))}


def test_the_version_imports_no_drawing():
    packages, _ = imported("--version")
    assert packages <= SHELL | VALUES


@pytest.mark.parametrize("words", ["casework qu", "casework queues li", "casework queues create --de"])
def test_completing_commands_and_options_imports_no_database(words):
    packages, _ = imported(_CASEWORK_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(len(words.split()) - 1))
    assert packages <= SHELL


def test_completing_names_imports_the_driver_alone(new_database):
    packages, modules = imported(
        _CASEWORK_COMPLETE="complete_bash",
        COMP_WORDS="casework queues show ",
        COMP_CWORD="3",
        CASEWORK_DATABASE_URL=new_database("completion"),
    )
    assert packages <= SHELL | DRIVER
    assert not {"casework.log", "casework.events", "casework.settings"} & modules


def test_a_list_imports_no_broker_migrations_or_api(new_database, servers):
    packages, _ = imported(
        "queues", "list", CASEWORK_DATABASE_URL=new_database("start"), CASEWORK_REDIS_URL=servers.redis
    )
    assert packages <= SHELL | DRAWING | VALUES | DRIVER | DATABASE


API = {"fastapi", "starlette", "uvicorn", "limits"}
CELERY = {"celery", "kombu", "billiard"}
MIGRATIONS = {"alembic", "mako"}


@pytest.mark.parametrize(
    ("role", "unneeded"),
    [("api", CELERY | MIGRATIONS | {"typer", "rich"}), ("worker", API | MIGRATIONS | {"typer", "rich"})],
)
def test_a_role_loads_nothing_that_only_others_use(role, unneeded):
    modules = modules_of("-c", f"import casework.{role}.preload")
    assert not {name.partition(".")[0] for name in modules} & unneeded


def first_sentence(text):
    return re.split(r"(?<=\.)\s", text.strip())[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_of_commands_repeats_their_help(name):
    listed = COMMANDS[name]
    command = load(name, listed)
    assert listed.help == first_sentence(command.help)
    said = {sub: first_sentence(one.help) for sub, one in getattr(command, "commands", {}).items()}
    assert dict(listed.commands) == said


def test_the_warning_about_root_that_is_silenced_is_celerys():
    assert ROOT_DISCOURAGED.startswith(ROOT_WARNING)
