"""What a person does to cases, by id or by a filter."""

from datetime import datetime

import pytest

from casework.cli import console


@pytest.fixture
def cases(casework):
    casework("queues", "create", "inbox")
    for title, label in (("one", "city=Rome"), ("two", "city=Oslo"), ("three", "city=Rome")):
        casework("cases", "add", "inbox", title, "--label", label, "--data", '{"a": 1}')
    return {one["title"]: one["id"] for one in casework.json("cases", "list", "inbox")}


def statuses(casework):
    return {one["title"]: one["status"] for one in casework.json("cases", "list", "inbox")}


def test_a_case_is_edited(casework, cases):
    edited = casework.json(
        "cases",
        "edit",
        cases["one"][-8:],
        *("--title", "first", "--data", "null", "--priority", "high", "--label", "x", "--remove-label", "city=Rome"),
    )
    assert (edited["title"], edited["data"], edited["priority"]) == ("first", None, "high")
    assert [(one["key"], one["value"]) for one in edited["labels"]] == [("", "x")]


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        ((), 2, "Give at least one of"),
        (("--title", ""), 2, "title is empty"),
        (("--data", "{", "--priority", "high"), 2, "not JSON"),
        (("--priority", "high", "--remove-label", "city=Oslo"), 2, "has no label 'city=Oslo'; its labels: city=Rome"),
    ],
)
def test_an_edit_that_cannot_be_changes_nothing(casework, cases, arguments, code, part):
    exit_code, output = casework("cases", "edit", cases["one"], *arguments)
    assert exit_code == code
    assert part in output
    assert casework.json("cases", "show", cases["one"])["case"]["priority"] == "none"


def test_acts_take_the_cases_of_a_queue_that_a_filter_finds(casework, cases):
    settled = casework.json(
        "cases", "settle", "--queue", "inbox", "--label", "city=Rome", "--current-status", "pending", "--yes"
    )
    assert set(settled["settled"]) == {cases["one"], cases["three"]}
    assert casework("cases", "retry", "--queue", "inbox", "--title", "three", "--yes")[1].startswith("1 case retried")
    assert statuses(casework) == {"one": "completed", "two": "pending", "three": "pending"}
    assert casework.json("cases", "delete", "--queue", "inbox", "--status", "completed", "--yes")["deleted"] == [
        cases["one"]
    ]
    casework("agents", "create", "worker", "--python", "sample_agents:completes")
    casework("consumers", "set", "inbox", "worker")
    delegated = casework.json("cases", "delegate", "--to", "worker", "--queue", "inbox", "--title", "two", "--yes")
    assert delegated["delegated"] == [cases["two"]]


def test_a_filter_is_counted_and_needs_a_yes(casework, cases):
    code, output = casework("cases", "delete", "--queue", "inbox", "--label", "city=Rome")
    assert (code, output) == (1, "Delete 2 cases of queue inbox? Give --yes to confirm.")
    assert len(casework.json("cases", "list", "inbox")) == 3


@pytest.mark.parametrize("arguments", [(), ("--status", "failed"), ("ID", "--queue", "inbox"), ("ID", "--title", "x")])
def test_ids_or_a_filter_and_not_both(casework, cases, arguments):
    given = [cases["one"] if one == "ID" else one for one in arguments]
    code, output = casework("cases", "delete", *given)
    assert code == 2
    assert "Give either ids of cases, or --queue" in output
    assert len(casework.json("cases", "list", "inbox")) == 3


def test_a_case_with_a_key_is_added_once(casework, cases):
    assert casework("cases", "add", "inbox", "four", "--key", "k")[0] == 0
    code, output = casework("cases", "add", "inbox", "five", "--key", "k")
    assert code == 1
    (four,) = casework.json("cases", "list", "inbox", "--title", "four")
    assert output == f"Queue inbox has a case with the key 'k' already: {four['id'][-8:]}."


def test_a_filter_reaches_beyond_one_batch(casework, tmp_path):
    casework("queues", "create", "inbox")
    file = tmp_path / "many.csv"
    file.write_text("n\n" + "".join(f"{number}\n" for number in range(2500)))
    casework("cases", "import", "inbox", str(file), "--title", "case {n}")
    assert casework("cases", "delete", "--queue", "inbox", "--yes")[1].startswith("2500 cases deleted")
    with console.installation().db.begin() as tx:
        assert tx.sql("select count(*) from cases").scalar_one() == 0


def test_cases_are_set_aside_and_come_back_when_a_person_says(casework, cases):
    code, output = casework("cases", "postpone", cases["one"][-8:], cases["two"], "--for", "2h", "--reason", "closed")
    assert (code, output.splitlines()[0]) == (0, "2 cases postponed, 0 skipped, 0 runs interrupted.")
    assert output.splitlines()[1].startswith("They come back at 2")
    assert statuses(casework) == {"one": "postponed", "two": "postponed", "three": "pending"}
    done = casework.json("cases", "postpone", cases["one"], "--until", "2099-12-01 09:00")
    assert done == {"postponed": [cases["one"]], "skipped": 0, "interrupted_run_ids": []}
    case = casework.json("cases", "show", cases["one"])["case"]
    assert datetime.fromisoformat(case["postponed_to"]) == datetime(2099, 12, 1, 9).astimezone()
    assert casework("cases", "retry", cases["one"])[0] == 0
    assert statuses(casework)["one"] == "pending"


def test_a_case_that_cannot_be_set_aside_is_skipped_and_said_why(casework, cases):
    casework("cases", "settle", cases["one"])
    code, output = casework("cases", "postpone", cases["one"], "--for", "2h")
    assert code == 0
    assert output.splitlines() == [
        "0 cases postponed, 1 skipped, 0 runs interrupted.",
        "Only a case that is pending or postponed can be postponed.",
    ]


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ((), "Give either --until MOMENT or --for TIME."),
        (("--for", "2h", "--until", "2099-12-01"), "Give either --until MOMENT or --for TIME."),
        (("--for", "2099-12-01"), "is not a duration"),
        (("--until", "soon"), 'A moment is written like "2026-12-01 09:00".'),
        (("--until", "2020-01-01"), "has passed"),
    ],
)
def test_a_time_that_cannot_be_changes_nothing(casework, cases, arguments, part):
    code, output = casework("cases", "postpone", cases["one"], *arguments)
    assert code == 2
    assert part in output
    assert statuses(casework)["one"] == "pending"


def test_words_choose_cases_for_lists_and_acts(casework, cases):
    casework("cases", "edit", cases["two"], "--data", '{"note": "the blue harbor"}')
    assert [one["title"] for one in casework.json("cases", "list", "inbox", "--search", "harb -red")] == ["two"]
    act = ("cases", "postpone", "--for", "1h", "--queue", "inbox", "--search", "harbor")
    assert casework(*act) == (1, "Postpone 1 case of queue inbox? Give --yes to confirm.")
    assert casework.json(*act, "--yes")["postponed"] == [cases["two"]]


@pytest.fixture
def failed(casework, cases):
    """A case that was delegated to an agent with its trigger off, and failed."""
    casework("agents", "create", "Ann B", "--python", "sample_agents:completes")
    casework("consumers", "set", "inbox", "Ann B", "--trigger", "off")
    casework("cases", "delegate", "--to", "Ann B", cases["one"])
    casework("cases", "settle", cases["one"], "--status", "failed")
    return cases["one"]


def test_a_retry_that_nobody_would_take_says_so_and_what_to_do(casework, failed):
    assert casework("cases", "retry", failed)[1].splitlines() == [
        "1 case retried, 0 skipped, 0 runs interrupted.",
        "It waits, because no consumer of the queue has its trigger on: "
        "`casework consumers set inbox 'Ann B' --trigger on`.",
        f"The delegation to Ann B ended: `casework cases delegate --to 'Ann B' {failed[-8:]}` gives it back.",
    ]
    assert casework("cases", "delegate", "--to", "Ann B", failed[-8:])[0] == 0


def test_a_retry_by_the_same_agent_keeps_the_delegation(casework, failed):
    output = casework("cases", "retry", "--same-agent", failed)[1]
    assert output.splitlines() == ["1 case retried, 0 skipped, 0 runs interrupted."]
    assert casework.json("cases", "show", failed)["case"]["assigned_agent_id"]


def test_a_retry_that_an_agent_will_take_says_nothing_more(casework, failed):
    casework("consumers", "set", "inbox", "Ann B", "--trigger", "on")
    assert casework("cases", "retry", failed)[1].splitlines() == ["1 case retried, 0 skipped, 0 runs interrupted."]


def test_a_case_is_added_for_later(casework, cases):
    code, output = casework("cases", "add", "inbox", "later", "--at", "2099-12-01 09:00")
    assert code == 0
    assert output.endswith(" to inbox; it is postponed until 2099-12-01 09:00:00.\n")
    added = casework.json("cases", "add", "inbox", "soon", "--at", "2h")
    assert added["status"] == "postponed"
    code, output = casework("cases", "add", "inbox", "never", "--at", "never")
    assert (code, "is not a duration" in output) == (2, True)
    assert "never" not in statuses(casework)
