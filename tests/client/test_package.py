"""What importing the client takes, and that its shapes are the API's."""

import subprocess
import sys
from typing import get_type_hints, is_typeddict

import pytest

from casework.client import AsyncClient, Client, shapes

NAMES = {"GivenAnswer": "Answer"}
"""Where the API's name for a shape is another one."""

SHAPES = [shape for shape in vars(shapes).values() if is_typeddict(shape) and shape.__module__ == shapes.__name__]


@pytest.fixture(scope="module")
def schemas(client):
    return client.app.openapi()["components"]["schemas"]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_a_shape_has_the_fields_of_the_api(shape, schemas):
    schema = schemas[NAMES.get(shape.__name__, shape.__name__)]
    assert set(get_type_hints(shape)) == set(schema["properties"])
    assert shape.__required_keys__ <= set(schema.get("required", ())) | {"existing_case_ids"}


def test_importing_it_loads_nothing_of_the_engine():
    code = """
import sys, casework.client
heavy = {"sqlalchemy", "psycopg", "alembic", "celery", "kombu", "redis", "fastapi", "pydantic", "httpx2", "typer"}
assert not heavy & {name.partition(".")[0] for name in sys.modules}, heavy & set(sys.modules)
ours = {name.split(".")[1] for name in sys.modules if name.startswith("casework.")}
assert ours <= {"client", "agents", "core", "errors", "events"}, ours
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", ["Client", "AsyncClient"])
def test_without_its_extra_it_says_what_to_install(name):
    code = f"""
import sys
sys.modules["httpx2"] = None
from casework.client import {name}
try:
    {name}("http://127.0.0.1:8080", "key")
except ImportError as error:
    assert str(error) == "casework.client needs httpx2: install it with `pip install 'casework[client]'`.", error
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_both_clients_have_the_same_operations():
    def operations(kind):
        return {name for name in dir(kind) if not name.startswith("_")}

    assert operations(Client) == operations(AsyncClient)
    assert [name for name in operations(Client) if not getattr(Client, name).__doc__] == []
