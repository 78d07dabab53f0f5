"""What a person does to cases, by id or by a filter."""

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
    assert "has a case with the key 'k' already" in output


def test_a_filter_reaches_beyond_one_batch(casework, tmp_path):
    casework("queues", "create", "inbox")
    file = tmp_path / "many.csv"
    file.write_text("n\n" + "".join(f"{number}\n" for number in range(2500)))
    casework("cases", "import", "inbox", str(file), "--title", "case {n}")
    assert casework("cases", "delete", "--queue", "inbox", "--yes")[1].startswith("2500 cases deleted")
    with console.installation().db.begin() as tx:
        assert tx.sql("select count(*) from cases").scalar_one() == 0
