"""Keys: which agents one works for, when it was used, and how it is replaced."""

from datetime import timedelta
from uuid import UUID

import pytest

from casework.core.model import DEFAULT_TEAM, AgentKind
from casework.core.roles import Role
from casework.errors import InvalidInput, NotFound
from casework.service import agents, keys
from casework.store import schema
from casework.store.database import Database


@pytest.fixture
def other(api, queue):
    """A second agent elsewhere, connected to the same queue."""
    found = api("POST", "/v1/agents", 201, json={"name": "other"})["agent"]["id"]
    api("PUT", f"/v1/queues/{queue}/consumers/{found}", json={})
    return found


@pytest.fixture
def held(api, queue, agent):
    """A run of the first agent, and its case."""
    api("POST", f"/v1/queues/{queue}/cases", 201, json={"case": {"title": "a"}})
    return api("POST", f"/v1/agents/{agent}/claim", json={})


def test_an_agents_key_works_for_that_agent(api, queue, agent):
    api("POST", f"/v1/queues/{queue}/cases", 201, json={"case": {"title": "a"}})
    own = api.key(Role.AGENT, for_agents=[agent])
    work = api("POST", f"/v1/agents/{agent}/claim", token=own, json={})
    run = f"/v1/runs/{work['run_id']}"
    assert api("POST", f"{run}/heartbeat", token=own, json={"attempt": 1}) == {"stop": False}
    api("POST", f"{run}/message", token=own, json={"attempt": 1, "text_content": "x"})
    labels = f"/v1/queues/{queue}/cases/{work['case']['id']}/labels"
    api("POST", labels, token=own, json={"labels": [{"value": "seen"}]})
    api("POST", f"/v1/queues/{queue}/labels", token=own, json={"value": "new"})
    assert api("POST", f"{run}/outcome", token=own, json={"attempt": 1, "outcome": "complete"})
    api("POST", labels, 404, token=own, json={"labels": [{"value": "late"}]})


def test_an_agents_key_does_nothing_for_another_agent(api, queue, agent, other, held):
    foreign = api.key(Role.AGENT, for_agents=[other])
    api("POST", f"/v1/agents/{agent}/claim", 404, token=foreign, json={})
    api("POST", f"/v1/agents/{agent}/claim", 404, token=foreign, json={"wait_seconds": 5})
    run, attempt = f"/v1/runs/{held['run_id']}", {"attempt": 1}
    for action, body in (
        ("heartbeat", {}),
        ("message", {"text_content": "x"}),
        ("update", {"data": "theirs"}),
        ("step", {"name": "x"}),
        ("state/load", {"name": "x"}),
        ("state/save", {"name": "x", "value": "eA=="}),
        ("state/names", {}),
        ("state/delete", {"name": "x"}),
        ("usage", {"requests": 1, "key": "x"}),
        ("stream", {"text": "x"}),
        ("ask", {"title": "x"}),
        ("outcome", {"outcome": "complete"}),
        ("outcome", {"outcome": "release"}),
        ("outcome", {"outcome": "try_again"}),
    ):
        answer = api("POST", f"{run}/{action}", 404, token=foreign, json={**attempt, **body})
        assert answer["message"] == f"There is no run of a pull agent '{held['run_id']}'."
    labels = f"/v1/queues/{queue}/cases/{held['case']['id']}/labels"
    api("POST", labels, 404, token=foreign, json={"labels": [{"value": "x"}]})
    alone = api.key(Role.AGENT)
    api("POST", f"/v1/queues/{queue}/labels", 404, token=alone, json={"value": "x"})
    case = api("GET", f"/v1/cases/{held['case']['id']}")
    assert (case["case"]["status"], case["case"]["data"]) == ("claimed", "")
    assert "write_refused" not in [event["type"] for event in case["events"]]


def test_a_key_may_work_for_several_agents(api, agent, other):
    both = api.key(Role.AGENT, for_agents=["remote", other])
    for one in (agent, other):
        api("POST", f"/v1/agents/{one}/claim", 204, token=both, json={})


@pytest.mark.parametrize(
    ("role", "for_agents"), [(Role.AGENT, []), (Role.ADMIN, ["remote"]), (Role.READER, ["remote"])]
)
def test_a_key_of_role_agent_names_agents_and_no_other_does(api, agent, role, for_agents):
    with pytest.raises(InvalidInput, match="names the agents"):
        keys.create(api.db, DEFAULT_TEAM, "k", role, for_agents=for_agents)


def test_a_key_cannot_name_another_teams_agent(api, agent):
    others = keys.team(api.db, "others", create=True)
    with pytest.raises(NotFound):
        keys.create(api.db, others, "k", Role.AGENT, for_agents=[UUID(agent)])


def test_a_key_without_agents_works_for_none(api, agent):
    """As one that was made before its team had any agent, and was brought here by a migration."""
    token = api.key(Role.AGENT, for_agents=[agent])
    with api.db.begin() as tx:
        tx.sql("update api_keys set agent_ids = '{}' where role = 'agent'")
    api("POST", f"/v1/agents/{agent}/claim", 404, token=token, json={})


def stored(api, name):
    (key,) = [key for key in keys.find(api.db, DEFAULT_TEAM) if key.name == name]
    return key


def test_a_key_says_when_and_from_which_network_it_was_used(api):
    _, token = keys.create(api.db, DEFAULT_TEAM, "k", Role.READER)
    assert (stored(api, "k").last_used_at, stored(api, "k").last_used_from) == (None, None)
    keys.authenticate(api.db, token, "192.0.2.17")
    first = stored(api, "k")
    assert first.last_used_from == "192.0.2.0/24"
    keys.authenticate(api.db, token, "2001:db8:1:2::3")
    assert stored(api, "k") == first
    with api.db.begin() as tx:
        tx.sql("update api_keys set last_used_at = last_used_at - interval '11 minutes'")
    keys.authenticate(api.db, token, "2001:db8:1:2::3")
    again = stored(api, "k")
    assert again.last_used_from == "2001:db8:1::/48"
    assert again.last_used_at >= first.last_used_at


def test_a_wrong_secret_is_not_a_use(api):
    _, token = keys.create(api.db, DEFAULT_TEAM, "k", Role.READER)
    api("GET", "/v1/queues", 401, token=token[:-1] + ("A" if token[-1] != "A" else "B"))
    assert stored(api, "k").last_used_at is None


def test_a_rotated_key_is_valid_beside_the_new_one_for_a_while(api, agent):
    key, token = keys.create(api.db, DEFAULT_TEAM, "k", Role.AGENT, timedelta(days=30), for_agents=[agent])
    new, new_token = keys.rotate(api.db, DEFAULT_TEAM, key.id, timedelta(hours=1))
    assert (new.name, new.role, new.agent_ids) == (key.name, key.role, key.agent_ids)
    assert new.expires_at - new.created_at == timedelta(days=30)
    for one in (token, new_token):
        api("POST", f"/v1/agents/{agent}/claim", 204, token=one, json={})
    with api.db.begin() as tx:
        tx.sql("update api_keys set expires_at = expires_at - interval '61 minutes'")
    api("POST", f"/v1/agents/{agent}/claim", 401, token=token, json={})
    api("POST", f"/v1/agents/{agent}/claim", 204, token=new_token, json={})
    with pytest.raises(NotFound):
        keys.rotate(api.db, DEFAULT_TEAM, key.id, timedelta())


def test_a_rotation_does_not_prolong_a_key(api):
    key, _ = keys.create(api.db, DEFAULT_TEAM, "k", Role.READER, timedelta(hours=1))
    keys.rotate(api.db, DEFAULT_TEAM, key.id, timedelta(days=1))
    assert key.expires_at in {one.expires_at for one in keys.find(api.db, DEFAULT_TEAM)}


def test_keys_made_before_keep_the_agents_that_exist(new_database, installation):
    """The migration: what runs goes on, and nothing is added for agents of later."""
    db = Database(new_database("keys_before", migrate=False))
    schema.upgrade(db, "0001")
    with db.begin() as tx:
        team = f"'{DEFAULT_TEAM}'"
        tx.sql(f"insert into agents (id, team_id, name, kind) values ('{UUID(int=1)}', {team}, 'there', 'pull')")
        tx.sql(
            f"insert into api_keys (id, team_id, name, role, public, hash) values ('{UUID(int=2)}', {team}, 'k', 'agent', 'p', 'h')"
        )
    schema.upgrade(db)
    agents.create(db, installation.settings, DEFAULT_TEAM, "later", kind=AgentKind.PULL)
    (key,) = keys.find(db, DEFAULT_TEAM)
    assert key.agent_ids == (UUID(int=1),)
    db.close()
