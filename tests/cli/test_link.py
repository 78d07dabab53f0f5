"""`casework keys link`."""

import pytest

from casework.cli import console
from casework.cli.serve import page_url
from casework.core.roles import Role
from casework.errors import Unauthorized
from casework.service import web_sessions


@pytest.fixture
def own_home(monkeypatch, tmp_path):
    monkeypatch.setenv("CASEWORK_HOME", str(tmp_path))
    return tmp_path


def session_of(url):
    db = console.installation().db
    return web_sessions.find(db, web_sessions.use_link(db, url.rpartition("/")[2]))


def test_link_signs_in_as_the_admin_of_the_first_start(own_home, casework):
    code, output = casework("keys", "link", "--as", "Ada")
    assert code == 0 and output.startswith("http://127.0.0.1:8080/sign-in/")
    session = session_of(output.strip())
    assert (session.key.role, session.person) == (Role.ADMIN, "Ada")
    assert (own_home / "api-key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(Unauthorized):
        session_of(output.strip())


def test_link_is_for_the_key_that_is_named(own_home, casework):
    key = casework.json("keys", "create", "k", "--role", "reader")
    found = casework.json("keys", "link", key["id"], "--url", "https://cases.example.com/tools/")["url"]
    assert found.startswith("https://cases.example.com/tools/sign-in/")
    assert session_of(found).key.role is Role.READER


def test_revoked_key_has_no_link(own_home, casework):
    key = casework.json("keys", "create", "k", "--role", "reader")
    casework("keys", "revoke", key["id"])
    code, output = casework("keys", "link", key["id"])
    assert code != 0 and "valid key" in output


def test_name_that_could_be_confused_is_refused(own_home, casework):
    code, output = casework("keys", "link", "--as", "A\u202eda")
    assert code != 0 and "invisible" in output


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("fe80::1", "http://[fe80::1]:80"),
        ("cases.example.com", "http://cases.example.com:80"),
    ],
)
def test_address_of_the_page_can_be_opened(host, url):
    assert page_url(host, 80) == url
