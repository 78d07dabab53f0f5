"""`casework limits`: set, changed option by option, listed and deleted."""

import pytest


@pytest.fixture
def inbox(casework):
    casework("queues", "create", "inbox")
    casework("agents", "create", "worker", "--python", "sample_agents:completes")
    casework("consumers", "set", "inbox", "worker")


def test_sets_what_is_given_and_keeps_the_rest(casework, inbox):
    scope = ("--queue", "inbox", "--key", "label:customer")
    first = casework.json("limits", "set", *scope, "--at-once", "2")
    assert (first["queue_name"], first["key"], first["concurrency"], first["rate"]) == (
        "inbox",
        "label:customer",
        2,
        None,
    )
    assert casework("limits", "set", *scope, "--rate", "10/minute", "--burst", "5") == (
        0,
        "Queue inbox, for each label:customer: 2 runs at once, 10 starts a minute with a burst of 5.\n",
    )
    casework("limits", "set", *scope, "--burst", "3")
    (found,) = casework.json("limits", "list", "--queue", "inbox")
    assert (found["id"], found["concurrency"]) == (first["id"], 2)
    assert found["rate"] == {"count": 10, "seconds": 60.0, "burst": 3}
    assert casework.json("limits", "set", *scope, "--rate", "20/minute")["rate"]["burst"] == 3
    assert casework.json("limits", "set", *scope, "--at-once", "none")["concurrency"] is None
    assert casework.json("limits", "delete", *scope) == {"deleted": first["id"]}
    assert "There are no limits." in casework("limits", "list")[1]


def test_lists_limits_as_a_table(casework, inbox):
    casework("limits", "set", "--queue", "inbox", "--agent", "worker", "--rate", "100/30s")
    casework("limits", "set", "--agent", "worker", "--at-once", "1")
    said = casework("limits", "list")[1]
    assert "100 starts in 30 s" in said
    assert "1 run at once" in said
    casework("queues", "create", "other")
    assert casework("limits", "list", "--queue", "other") == (0, "No limit binds cases of this queue.\n")


def test_claims_keep_to_a_limit(casework, inbox):
    casework("limits", "set", "--queue", "inbox", "--key", "data.customer", "--at-once", "1")
    for customer in ("a", "a", "b"):
        casework("cases", "add", "inbox", "x", "--data", f'{{"customer": "{customer}"}}')
    assert casework.json("tick")["claimed"] == 2


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("set", "--at-once", "1"), 2, "a queue, an agent, or both"),
        (("set", "--queue", "inbox"), 2, "give one of them"),
        (("set", "--queue", "inbox", "--at-once", "0"), 2, "--at-once takes a number"),
        (("set", "--queue", "inbox", "--at-once", "9" * 5000), 2, "--at-once takes a number"),
        (("set", "--queue", "inbox", "--rate", "none", "--burst", "2"), 2, "--burst goes with --rate"),
        (("set", "--queue", "inbox", "--rate", "ten"), 2, "is not a rate"),
        (("set", "--queue", "inbox", "--burst", "2"), 2, "--burst goes with --rate"),
        (("set", "--queue", "inbox", "--at-once", "1", "--key", "x"), 2, "label:NAME"),
        (("set", "--queue", "nope", "--at-once", "1"), 1, "nope"),
        (
            ("set", "--queue", "inbox", "--at-once", "1", "--rate", "none", "--burst", "2"),
            2,
            "--burst goes with --rate",
        ),
        (("set", "--queue", "inbox", "--rate", "5/fortnight"), 2, "second, minute, hour, day"),
        (("delete", "--queue", "inbox"), 1, "Queue inbox has no limit without a key. `casework limits list` shows"),
        (("delete", "--agent", "worker", "--key", "label:a"), 1, "Agent worker has no limit for each label:a."),
        (("delete", "--key", "label:a"), 2, "a queue, an agent, or both"),
    ],
)
def test_says_what_is_wrong(casework, inbox, options, code, said):
    answer = casework("limits", *options)
    assert answer[0] == code
    assert said in answer[1]


def test_a_limit_of_which_nothing_would_be_left_is_deleted_by_name_only(casework, inbox):
    casework("limits", "set", "--queue", "inbox", "--rate", "1/minute")
    code, said = casework("limits", "set", "--queue", "inbox", "--rate", "none")
    assert code == 2
    assert "casework limits delete" in said
    assert len(casework.json("limits", "list")) == 1
