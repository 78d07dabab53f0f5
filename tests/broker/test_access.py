"""What an access rule must permit: the table suffices, and each thing that is missing is named with its mending."""

import pytest

from casework.broker import access
from casework.broker.access import Process
from casework.broker.address import client
from casework.broker.names import Names
from casework.embedded import binaries
from casework.errors import BrokerUnavailable
from compat.servers import SECRET, as_user, redis

NAMES = Names("casework:0a1b2c3d:")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A Redis of the module's own, and a client of its owner."""
    with redis(tmp_path_factory.mktemp("redis"), str(binaries.valkey())) as url, client(url) as owner:
        yield url, owner


@pytest.fixture
def user(server):
    """Gives the URL of a user with those rules; `owner` may change it."""
    url, owner = server

    def make(*rules: str) -> str:
        owner.execute_command("ACL", "SETUSER", "jobs", "reset", "on", f">{SECRET}", *rules)
        return as_user(url, "jobs")

    return make


def test_the_whole_rule_suffices(user, server):
    assert access.refusals(user(*access.needed(NAMES.prefix)), NAMES) == []
    assert access.refusals(server[0], NAMES) == []


def test_nothing_is_done_by_trying(user, server):
    access.refusals(user(*access.needed(NAMES.prefix)), NAMES)
    assert server[1].keys("*") == []


@pytest.mark.parametrize("lacking", [rule for rule in access.needed(NAMES.prefix) if rule != "+multi"])
def test_each_thing_that_is_missing_is_named_and_mended(user, server, lacking):
    rules = access.needed(NAMES.prefix)
    url = user(*(rule for rule in rules if rule != lacking))
    refusals = access.refusals(url, NAMES)
    mending = access.rule(access.user_of(url), {rule for one in refusals for rule in one.rules})
    assert lacking in mending.split()
    named = lacking[1:] if lacking[0] == "+" else lacking[1:].rstrip("*")
    assert any(named in one.lacking for one in refusals)
    server[1].execute_command(*mending.split())
    assert access.refusals(url, NAMES) == []


def test_without_transactions_nothing_is_tried(user, server):
    url = user(*(rule for rule in access.needed(NAMES.prefix) if rule != "+multi"))
    (refused,) = access.refusals(url, NAMES)
    assert refused.lacking == "the command multi"
    assert set(refused.rules) == set(access.needed(NAMES.prefix))
    assert server[1].keys("*") == []


def test_a_refusal_is_of_the_processes_that_it_hinders(user):
    url = user(*(rule for rule in access.needed(NAMES.prefix) if rule != "+brpop"))
    hindered = {process for one in access.refusals(url, NAMES) for process in one.use.processes}
    assert hindered == {Process.WORKER, Process.TICKER}


def test_a_numbered_database_has_to_be_chosen(user):
    url = user(*access.needed(NAMES.prefix), "+select").replace("/0", "/3")
    assert access.refusals(url, NAMES) == []


def test_a_wrong_password_is_an_error_in_one_line(user):
    with pytest.raises(BrokerUnavailable, match="does not answer") as refused:
        access.refusals(user("+@all").replace(SECRET, "wrong"), NAMES)
    assert "\n" not in str(refused.value)
