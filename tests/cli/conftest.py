"""Commands as a user calls them, against a database of their own."""

import json

import pytest
from typer.testing import CliRunner

from casework.cli import app, console
from casework.errors import CaseworkError
from casework.store.database import Database
from databases import empty


class Command:
    """The installed command: `casework(*arguments, input=None) -> (exit code, output)`."""

    def __call__(self, *arguments, input=None):
        result = CliRunner().invoke(app, list(arguments), input=input)
        if isinstance(result.exception, CaseworkError):
            with pytest.raises(SystemExit) as exit_, console.reported_errors():
                raise result.exception
            return exit_.value.code, str(result.exception)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    def json(self, *arguments, input=None, code=0):
        exit_code, output = self(*arguments, "--json", input=input)
        assert exit_code == code, output
        return json.loads(output)


@pytest.fixture(scope="session")
def commands_database(new_database):
    db = Database(new_database("commands"))
    yield db
    db.close()


@pytest.fixture
def casework(commands_database, servers, monkeypatch):
    empty(commands_database)
    monkeypatch.setenv("CASEWORK_DATABASE_URL", commands_database.url)
    monkeypatch.setenv("CASEWORK_REDIS_URL", servers.redis)
    monkeypatch.setenv("CASEWORK_AGENT_MODULES", "sample_agents")
    console.installation.cache_clear()
    yield Command()
    console.installation().close()
    console.installation.cache_clear()
