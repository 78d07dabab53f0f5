"""Passwords of settings are in no text that casework keeps, shows or raises."""

import traceback

import pytest

from casework.errors import CaseworkError
from casework.redaction import redacted
from casework.settings import Settings, read_settings
from casework.store.database import Database

SECRET = "marked-secret"

DATABASE_URLS = [
    f"postgresql://someone:{SECRET}@127.0.0.1:1/db?password={SECRET}&sslpassword={SECRET}",
    f"postgresql://someone:a@{SECRET}@127.0.0.1:1/db",
    f"postgresql://someone:a/{SECRET}@127.0.0.1:1/db",
    f"postgresql://someone:a@127.0.0.1:1/{SECRET}@somewhere/db",
    f"postgresql://someone:a#{SECRET}@127.0.0.1:1/db",
    f"postgresql://someone:a?{SECRET}@127.0.0.1:1/db",
    f"postgresql://someone:{SECRET}%zz@127.0.0.1:1/db",
    f"postgresql://someone@127.0.0.1:1/db?passwrd={SECRET}",
    f"postgresql://someone:{SECRET}@127.0.0.1:1/db?connect_timeout=soon",
    f"someone:{SECRET}@127.0.0.1/db",
    f"host=127.0.0.1 password={SECRET}",
]

REDIS_URLS = [
    f"redis://:{SECRET}@127.0.0.1:x/0",
    f"redis://:{SECRET}#@127.0.0.1:1/0",
    f"redis://:a/{SECRET}@127.0.0.1:1/0",
    f"redis://[{SECRET}",
    f"http://:{SECRET}@127.0.0.1",
]


@pytest.mark.parametrize("url", DATABASE_URLS)
def test_no_error_about_a_database_url_shows_its_password(monkeypatch, url):
    monkeypatch.setenv("CASEWORK_DATABASE_URL", url)
    with pytest.raises(CaseworkError) as raised, Database(read_settings().database_url).begin() as tx:
        tx.sql("select 1")
    assert SECRET not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("url", REDIS_URLS)
def test_no_error_about_a_redis_url_shows_its_password(monkeypatch, url):
    monkeypatch.setenv("CASEWORK_REDIS_URL", url)
    with pytest.raises(CaseworkError) as raised:
        read_settings()
    assert SECRET not in "".join(traceback.format_exception(raised.value))


def test_settings_show_no_url_when_they_are_printed_or_refused():
    assert SECRET not in repr(Settings(database_url=DATABASE_URLS[0], redis_url=f"redis://:{SECRET}@127.0.0.1/0"))
    with pytest.raises(ValueError, match="must begin with") as raised:
        Settings(database_url=f"mysql://someone:{SECRET}@127.0.0.1/db")
    assert SECRET not in str(raised.value)


def test_a_password_is_taken_out_as_it_is_written_and_as_it_is_meant():
    url = "postgresql://someone:p%40ss%2Fword@h/db?sslpassword=other+one"
    text = f"tried {url} with p@ss/word and other+one"
    assert redacted(text, (url, "")) == (
        "tried postgresql://someone:[hidden]@h/db?sslpassword=[hidden] with [hidden] and [hidden]"
    )


def test_text_without_passwords_stays_as_it_is():
    for url in ("", "postgresql://h/db", "postgresql://casework@/db?host=%2Frun", "redis://h:6379/0", "redis://:abc@h"):
        assert redacted("abc postgresql://h:5432/db", (url,)) == "abc postgresql://h:5432/db"
