"""`casework doctor` on a Redis with users, and on one that others use too."""

import pytest

from casework.broker import access, presence
from casework.broker.address import client
from casework.broker.presence import Installation
from casework.cli import console
from casework.embedded import binaries
from compat.servers import SECRET, as_user, redis


@pytest.fixture
def owner(casework, tmp_path, monkeypatch):
    """A Redis of the test's own, which the installation uses as the user `jobs`."""
    with redis(tmp_path, str(binaries.valkey())) as url, client(url) as owner:
        monkeypatch.setenv("CASEWORK_REDIS_URL", as_user(url, "jobs"))
        yield owner


def permit(owner, *rules):
    owner.execute_command("ACL", "SETUSER", "jobs", "reset", "on", f">{SECRET}", *rules)


def about_the_broker(casework):
    found = casework.json("doctor", code=1)
    return {one["check"]: one for one in found if one["check"].startswith("broker")}


def test_a_user_that_may_do_all_that_is_needed_is_fine(casework, owner):
    permit(owner, *access.needed(console.installation().publisher.names.prefix))
    assert [(check, one["ok"]) for check, one in about_the_broker(casework).items()] == [("broker", True)]


def test_what_a_user_lacks_is_named_for_each_process_and_mended(casework, owner):
    prefix = console.installation().publisher.names.prefix
    permit(owner, "+@all", "-blmpop", "-incrby", f"~{prefix}*", "~casework:installations")
    found = about_the_broker(casework)
    assert found["broker"]["detail"] == (
        f"the Redis user jobs lacks access: ACL SETUSER jobs ~{prefix}* &{prefix}* +blmpop +incrby +publish +subscribe"
    )
    assert "the command blmpop" in found["broker, ticker"]["detail"]
    assert f"the channel {prefix}stops" in found["broker, worker"]["detail"]
    assert "the command incrby" in found["broker, api"]["detail"]
    assert "broker, beat" not in found
    owner.execute_command(*found["broker"]["detail"].partition(": ")[2].split())
    assert about_the_broker(casework)["broker"]["ok"]


def test_other_installations_are_named(casework, owner):
    permit(owner, "+@all", "~*", "&*")
    prefix = console.installation().publisher.names.prefix
    presence.announce(owner, Installation("22222222", "other:", "h/other"))
    shared = about_the_broker(casework)["broker, shared"]
    assert shared["ok"]
    assert "h/other" in shared["detail"]
    presence.announce(owner, Installation("33333333", prefix, "h/twin"))
    found = [one for one in casework.json("doctor", code=1) if not one["ok"] and one["check"] == "broker, shared"]
    assert len(found) == 1
    assert "h/twin" in found[0]["detail"]
    assert "CASEWORK_REDIS_PREFIX" in found[0]["detail"]
