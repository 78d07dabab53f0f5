"""Commands as a user calls them, against a database of their own."""

import json
from uuid import UUID

import pytest

from casework.cli import console
from casework.core.effects import RunMessage
from casework.core.model import CounterName, RunId
from casework.store import counters
from factories import work

INVOICES = "number,vendor,amount\n1,Blue,10\n2,Red,20\nbad\n3,Blue,30\n"


def test_from_an_empty_installation_to_worked_cases(casework):
    queue = casework.json("queues", "create", "inbox")
    agent = casework.json("agents", "create", "worker", "--python", "sample_agents:completes")
    assert casework.json("consumers", "set", "inbox", agent["id"], "--concurrency", "2")["concurrency"] == 2
    case = casework.json(
        "cases", "add", queue["id"], "hello", "--data", '{"a": [1]}', "--label", "k=v", "--priority", "high"
    )
    assert (case["data"], case["priority"], case["labels"][0]["value"]) == ({"a": [1]}, "high", "v")
    assert casework.json("tick") == {"claimed": 1, "swept": 0}
    (consumer,) = casework.json("consumers", "list", "inbox")
    assert consumer == {
        "queue_id": queue["id"],
        "agent_id": agent["id"],
        "agent_name": "worker",
        "trigger": True,
        "weight": 1.0,
        "concurrency": 2,
        "live_runs": 1,
    }
    assert casework.json("queues", "show", "inbox")["consumers"] == [consumer]
    assert [one["id"] for one in casework.json("cases", "list", "inbox", "--status", "claimed")] == [case["id"]]
    assert [event["type"] for event in casework.json("cases", "show", case["id"])["events"]] == [
        "created",
        "claimed",
    ]
    (run,) = casework.json("runs", "list", "--queue", "inbox")
    assert casework.json("runs", "show", run["id"])["status"] == "pending"
    assert casework.json("cases", "settle", case["id"])["settled"] == [case["id"]]
    assert casework.json("cases", "retry", case["id"])["retried"] == [case["id"]]
    assert casework.json("cases", "delegate", case["id"], "--to", "worker")["delegated"] == [case["id"]]
    assert casework.json("cases", "delete", case["id"])["deleted"] == [case["id"]]
    assert casework.json("queues", "delete", "inbox")["deleted_cases"] == 0
    casework.json("agents", "delete", "worker")


def test_tables_and_json_show_the_same(casework):
    casework("queues", "create", "inbox")
    casework("cases", "add", "inbox", "hello [brackets]")
    assert "hello [brackets]" in casework("cases", "list", "inbox")[1]
    assert "inbox" in casework("queues", "list")[1]
    assert "no consumers" in casework("queues", "show", "inbox")[1]
    assert "Nothing waits" in casework("requests", "list")[1]


def test_import_names_bad_lines_and_adds_the_good_ones_once(casework, tmp_path):
    casework("queues", "create", "inbox")
    file = tmp_path / "invoices.csv"
    file.write_text(INVOICES)
    arguments = (
        "cases",
        "import",
        "inbox",
        str(file),
        "--title",
        "Invoice {number}",
        "--label",
        "vendor",
        "--key",
        "number",
    )
    first = casework.json(*arguments, code=1)
    assert (first["added"], [bad["line"] for bad in first["bad_lines"]]) == (3, [4])
    second = casework.json(*arguments, code=1)
    assert (second["added"], second["already_there"]) == (0, 3)
    assert len(casework.json("cases", "list", "inbox", "--label", "vendor=Blue")) == 2
    assert len(casework.json("cases", "list", "inbox", "--label", "vendor=Blue", "--label", "vendor=Red")) == 3


def test_strict_import_of_a_bad_file_adds_nothing(casework):
    casework("queues", "create", "inbox")
    result = casework.json("cases", "import", "inbox", "-", "--title", "{number}", "--strict", input=INVOICES, code=1)
    assert (result["added"], len(result["bad_lines"])) == (0, 1)
    assert casework.json("cases", "list", "inbox") == []


def test_import_from_standard_input_and_bad_bytes(casework):
    casework("queues", "create", "inbox")
    text = "a,b\n1,gr\xfcn\n2,green\n".encode("latin-1")
    result = casework.json("cases", "import", "inbox", "-", "--title", "{b}", input=text, code=1)
    assert (result["added"], result["bad_lines"][0]["line"]) == (1, 2)
    again = casework.json("cases", "import", "inbox", "-", "--title", "{b}", "--encoding", "latin-1", input=text)
    assert again["added"] == 2


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (("queues", "show", "nope"), 1, "no queue 'nope'"),
        (("cases", "show", "nope"), 1, "no case 'nope'"),
        (("runs", "show", "00000000-0000-0000-0000-000000000000"), 1, "no run"),
        (("requests", "answer", "nope", "x"), 1, "no request"),
        (("cases", "add", "inbox", "x", "--data", "{bad"), 2, "--data is not JSON"),
        (("cases", "add", "inbox", ""), 2, "title is empty"),
        (("cases", "add", "inbox", "x", "--data", '"a\\u0000b"'), 2, "NUL"),
        (("cases", "import", "inbox", "/"), 2, "Is a directory"),
        (("cases", "import", "inbox", "/no/such/file"), 2, "No such file"),
        (("cases", "list", "inbox", "--status", "odd"), 2, "--status"),
        (("agents", "create", "a", "--python", "os:system"), 2, "CASEWORK_AGENT_MODULES"),
        (("agents", "create", "a", "--python", "sample_agents:nope"), 2, "has no function"),
        (("agents", "create", "a", "--python", "sample_agents:os"), 2, "not an agent"),
        (
            ("agents", "create", "a", "--command", "reboot now"),
            2,
            "is not in CASEWORK_AGENT_COMMANDS, which allows nothing",
        ),
        (("agents", "create", "a", "--command", "echo 'open"), 2, "cannot be split into words: No closing quotation"),
        (("agents", "create", "a", "--command", "ls", "--pull"), 2, "exactly one of --python, --command and --pull"),
        (("consumers", "set", "inbox", "nope"), 1, "no agent"),
        (("consumers", "set", "inbox", "nope", "--concurrency", "-1"), 2, "--concurrency"),
        (("queues", "create", "inbox"), 1, "already"),
        (("cases", "list", "inbox", "--limit", "x"), 2, "a whole number. See "),
        (("cases", "list", "inbox", "--limit", "0"), 2, "'--limit'"),
        (("cases", "settle", "x", "--status", "pending"), 2, "'pending' is not one of 'completed', 'failed'"),
        (("cases", "list"), 2, "Missing argument 'QUEUE'"),
        (("queues", "lsit"), 2, "No such command 'lsit'"),
        (("cases", "list", "inbox", "--lable", "x"), 2, "--label"),
    ],
)
def test_mistakes_are_one_clear_line(casework, arguments, code, part):
    casework("queues", "create", "inbox")
    exit_code, output = casework(*arguments)
    assert exit_code == code
    assert part in output
    assert "\n" not in output.strip()


def test_drain_pauses_and_lists_live_runs(casework):
    casework("queues", "create", "inbox")
    casework("agents", "create", "worker", "--python", "sample_agents:completes")
    casework("consumers", "set", "inbox", "worker")
    assert casework.json("queues", "drain", "inbox") == {
        **casework.json("queues", "drain", "inbox"),
        "drained": True,
        "mode": "paused",
    }
    casework("queues", "resume", "inbox")
    casework("cases", "add", "inbox", "x")
    casework("tick")
    code, output = casework("queues", "drain", "inbox", "--timeout", "0.3")
    assert code == 1
    assert "1 waiting for a worker" in output
    assert casework.json("queues", "drain", "inbox", "--interrupt", "--timeout", "5")["drained"] is True
    assert casework.json("queues", "show", "inbox")["cases"]["pending"] == 1


def test_lists_requests_with_their_case_also_after_a_drain(casework):
    casework("queues", "create", "inbox")
    casework("agents", "create", "worker", "--python", "sample_agents:asks")
    casework("consumers", "set", "inbox", "worker")
    casework("cases", "add", "inbox", "invoice 7")
    casework("tick")
    db = console.installation().db
    (run,) = casework.json("runs", "list", "--queue", "inbox")
    work(db, RunMessage(RunId(UUID(run["id"])), 1))
    assert "invoice 7" in casework("requests", "list")[1]
    code, output = casework("queues", "drain", "inbox", "--timeout", "0.3")
    assert code == 1
    assert "is not drained: 1 waiting for an answer or another attempt. It is paused." in output
    code, output = casework("queues", "drain", "inbox", "--interrupt", "--timeout", "5")
    assert code == 0
    assert "is drained: nothing is executed; 1 waiting for an answer or another attempt." in output
    assert len(casework.json("requests", "list")) == 1


def test_doctor_finds_what_is_missing(casework):
    code, output = casework("doctor", "--json")
    findings = {one["check"]: one for one in json.loads(output)}
    assert code == 1
    assert findings["database"]["ok"] and findings["broker"]["ok"] and findings["schema"]["ok"]
    assert "no worker was ever seen" in findings["worker"]["detail"]


def test_counters_are_shown_if_they_are_not_zero(casework):
    queue = casework.json("queues", "create", "inbox")
    casework("queues", "create", "quiet")
    assert casework.json("queues", "show", "inbox")["counters"] == dict.fromkeys(CounterName, 0)
    assert "counter" not in casework("queues", "show", "inbox")[1]
    with console.installation().db.begin() as tx:
        counters.add(tx, queue["id"], CounterName.RUN_LOST, 3)
    assert casework.json("queues", "show", "inbox")["counters"]["run_lost"] == 3
    assert "run_lost" in casework("queues", "show", "inbox")[1]
    findings = {one["check"]: one for one in casework.json("doctor", code=1)}
    assert (findings["counters inbox"]["ok"], findings["counters inbox"]["detail"]) == (True, "run_lost 3")
    assert "counters quiet" not in findings


def test_doctor_names_an_agent_that_workers_could_not_import(casework, monkeypatch):
    casework("agents", "create", "worker", "--python", "sample_agents:completes")
    monkeypatch.setenv("CASEWORK_AGENT_MODULES", "others")
    finding = next(one for one in casework.json("doctor", code=1) if one["check"] == "agent worker")
    assert not finding["ok"]
    assert "'sample_agents' is not in CASEWORK_AGENT_MODULES, which allows others" in finding["detail"]


def test_a_command_is_created_if_it_is_allowed_and_there(casework, monkeypatch):
    monkeypatch.setenv("CASEWORK_AGENT_COMMANDS", "sh triage.sh, no-such-program *")
    agent = casework.json("agents", "create", "triage", "--command", "sh triage.sh")
    assert (agent["kind"], agent["target"]) == ("command", "sh triage.sh")
    missing = ("agents", "create", "missing", "--command", "no-such-program now")
    assert casework(*missing) == (2, "There is no program 'no-such-program' that can be executed here: is it in PATH?")
    assert casework(*missing, "--no-check")[0] == 0
    findings = {one["check"]: one for one in casework.json("doctor", code=1)}
    assert findings["agent triage"] == {"check": "agent triage", "ok": True, "detail": "sh triage.sh"}
    assert "no program 'no-such-program'" in findings["agent missing"]["detail"]
    assert "sh triage.sh" in casework("agents", "list")[1]


def test_doctor_names_a_module_that_cannot_be_imported(casework, monkeypatch):
    monkeypatch.setenv("CASEWORK_AGENT_MODULES", "sample_agents,no_such_agents")
    findings = {one["check"]: one for one in casework.json("doctor", code=1)}
    assert findings["module sample_agents"]["ok"]
    assert "'no_such_agents' cannot be imported: ModuleNotFoundError" in findings["module no_such_agents"]["detail"]


def test_doctor_names_a_module_that_exits_and_looks_on(casework, monkeypatch, tmp_path):
    tmp_path.joinpath("program_agents.py").write_text("raise SystemExit(2)")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("CASEWORK_AGENT_MODULES", "program_agents,sample_agents")
    findings = {one["check"]: one for one in casework.json("doctor", code=1)}
    problem = "The module 'program_agents' cannot be imported: it called exit(2) (program_agents.py, line 1)"
    assert findings["module program_agents"]["detail"] == problem
    assert findings["module sample_agents"]["ok"]


def test_an_agent_has_a_time_limit_of_its_own_or_the_installations(casework):
    create = ("agents", "create")
    own = casework.json(*create, "own", "--python", "sample_agents:completes", "--timeout", "10m")
    other = casework.json(*create, "other", "--python", "sample_agents:completes")
    assert (own["timeout_seconds"], other["timeout_seconds"]) == (600, None)
    assert "600 s" in casework("agents", "list")[1]
    for wrong, why in (("0s", "more than 0"), ("soon", "is not a duration"), ("31d", "at most")):
        code, output = casework(*create, "wrong", "--python", "sample_agents:completes", "--timeout", wrong)
        assert (code, why in output) == (2, True)
    assert casework(*create, "elsewhere", "--pull", "--timeout", "10m")[0] == 2


def test_doctor_names_a_variable_that_is_nearly_a_setting(casework, monkeypatch):
    monkeypatch.setenv("CASEWORK_LEASE_SECOND", "60")
    monkeypatch.setenv("CASEWORK_MY_OWN_KEY", "x")
    findings = {one["check"]: one for one in casework.json("doctor", code=1)}
    assert (
        findings["environment"]["detail"]
        == "unknown setting CASEWORK_LEASE_SECOND (did you mean CASEWORK_LEASE_SECONDS?)"
    )
    assert findings["settings"]["ok"]


def test_doctor_names_a_broker_that_is_away_and_looks_on(casework, monkeypatch):
    casework("queues", "create", "inbox")
    monkeypatch.setenv("CASEWORK_REDIS_URL", "redis://127.0.0.1:1/0")
    findings = {one["check"]: one for one in casework.json("doctor", code=1)}
    assert "The broker does not answer" in findings["broker"]["detail"]
    assert findings["queue inbox"]["ok"]


def test_keys_name_agents_are_rotated_and_warned_of(casework):
    agent = casework.json("agents", "create", "remote", "--pull")
    code, output = casework("keys", "create", "k", "--role", "agent")
    assert (code, "names the agents" in output) == (2, True)
    made = casework.json("keys", "create", "k", "--role", "agent", "--agent", "remote", "--expires", "2d")
    assert made["agent_ids"] == [agent["id"]]
    new = casework.json("keys", "rotate", made["id"], "--overlap", "1h", "--expires", "30d")
    assert (new["name"], new["agent_ids"], new["key"] != made["key"]) == ("k", made["agent_ids"], True)
    listed = {key["id"]: key for key in casework.json("keys", "list")}
    assert listed[made["id"]]["expires_at"] < made["expires_at"] < listed[new["id"]]["expires_at"]
    (finding,) = [one for one in casework.json("doctor", code=1) if one["check"] == "key k"]
    assert f"casework keys rotate {made['id']}" in finding["detail"]
