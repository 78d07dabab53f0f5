"""Secrets that are planted in settings, keys and the agents' environment are in nothing that comes out."""

import sys
import urllib.error
import urllib.request

import pytest

from casework.cli.roles import Pool
from casework.core.lifecycle import CaseStatus
from casework.core.model import DEFAULT_TEAM
from casework.core.roles import Role
from casework.service import keys
from factories import worked_queue
from patience import wait_for
from ports import free_port, get

pytestmark = pytest.mark.process

SECRETS = {name: f"marked-{name}-Kq7" for name in ("user", "query", "tls", "agent", "wrong")}


@pytest.fixture
def planted(installation):
    """An installation whose environment is full of secrets; its own servers ask for no password, and take any."""
    url = installation.environment["CASEWORK_DATABASE_URL"].replace("casework@", f"casework:{SECRETS['user']}@", 1)
    assert SECRETS["user"] in url
    url += f"&password={SECRETS['query']}&sslpassword={SECRETS['tls']}"
    installation.environment |= {"CASEWORK_DATABASE_URL": url, "SAMPLE_SECRET": SECRETS["agent"]}
    return installation


def asked(port, path, token):
    """What the API answers, head and body."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return f"{answer.headers}{answer.read().decode()}"
    except urllib.error.HTTPError as error:
        return f"{error.headers}{error.read().decode()}"


def api_of(planted, **environment):
    port = free_port()
    planted.start([sys.executable, "-m", "casework", "api", "--port", str(port)], log_level="debug", **environment)
    wait_for(lambda: get(port, "/healthz") == 200, "the API to answer")
    return port


@pytest.mark.timeout(300)
def test_planted_secrets_are_in_nothing_that_comes_out(planted):
    token = keys.create(planted.db, DEFAULT_TEAM, "k", Role.ADMIN)[1]
    secrets = {**SECRETS, "key": token.rpartition("_")[2]}
    queue, _ = worked_queue(planted.db, "sample_agents:quotes_its_environment")
    planted.everything(Pool.PREFORK, log_level="debug")
    (case_id,) = planted.add(queue)
    wait_for(lambda: planted.counted(queue)[CaseStatus.FAILED] == 1, "the agent to fail")
    away = f"postgresql://someone:{SECRETS['user']}@127.0.0.1:1/db?password={SECRETS['query']}"
    out = []
    for port in (
        api_of(planted),
        api_of(planted, database_url=away, redis_url=f"redis://:{SECRETS['user']}@127.0.0.1:1/0"),
    ):
        for path in ("/readyz", "/v1/queues", f"/v1/cases/{case_id}", "/v1/runs", "/v1/cases/x", "/openapi.json"):
            for key in (token, f"cw_{'0' * 16}_{SECRETS['wrong']}", ""):
                out.append(asked(port, path, key))
    (run,) = planted.command("runs", "list", "--json").stdout.split('"id": "')[1:]
    run = run.partition('"')[0]
    out.append(asked(port, f"/v1/runs/{run}", token))
    for line in (
        "doctor",
        f"runs show {run}",
        f"runs show {run} --json",
        f"cases show {case_id} --messages",
        "keys list --json",
    ):
        done = planted.command(*line.split())
        out += [done.stdout, done.stderr]
    planted.environment |= {"CASEWORK_DATABASE_URL": away}
    done = planted.command("doctor")
    out += [done.stdout, done.stderr, *(log.read_text() for log in planted.logs.glob("*.log"))]
    whole = "\n".join(out)
    assert "cannot connect to postgresql://casework:[hidden]@" in whole
    assert [name for name, secret in secrets.items() if secret in whole] == []
