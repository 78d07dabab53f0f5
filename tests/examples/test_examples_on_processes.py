"""Each example is copied, and works on real processes as its docstring says. Only the API's port is changed."""

from collections.abc import Iterator

import pytest

from casework.cli import examples
from casework.core.model import DEFAULT_TEAM, CaseFilter
from casework.service import cases, queues, requests
from guides.terminals import Terminals, opened

pytestmark = [pytest.mark.process, pytest.mark.timeout(400)]


@pytest.fixture
def terminals(new_database, servers, tmp_path) -> Iterator[Terminals]:
    with opened(new_database("examples"), servers.redis, tmp_path) as found:
        found.environment["API"] = f"http://127.0.0.1:{found.port}/v1"
        yield found


def start(terminals: Terminals, name: str) -> list[str]:
    """Copy an example, start its installation and set it up. Returns the commands that come next."""
    terminals.type([f"casework examples copy {name}"])
    up, setting_up, *others = examples.commands(examples.sources()[name])
    terminals.keep_running(up.split(" && "))
    terminals.type([setting_up])
    return others


def answer(terminals: Terminals, command: str, text: str) -> None:
    """Wait until a person is asked, and type the command and the answer."""
    terminals.wait(lambda: bool(requests.find(terminals.db, DEFAULT_TEAM)), "a request")
    terminals.type([command], f"{text}\n")


def story(terminals: Terminals, queue: str, title: str):
    """A case, and the types and last reason of its history."""
    id = queues.get(terminals.db, DEFAULT_TEAM, queue).id
    (found,) = cases.find(terminals.db, id, CaseFilter(title_contains=title), limit=2)
    events = cases.get(terminals.db, DEFAULT_TEAM, found.id)[1]
    return found, [event.type for event in events], events[-1].reason


def test_triage(terminals):
    (answering,) = start(terminals, "triage")
    answer(terminals, answering, "3")
    terminals.wait_for_cases("tickets", completed=2)
    assert story(terminals, "tickets", "Charged")[2] == "routed to billing"
    case, history, reason = story(terminals, "tickets", "Help")
    assert (case.data, reason) == ({"text": "It does not work any more", "team": "shipping"}, "routed to shipping")
    assert "needs_input" in history


def test_approval(terminals):
    (answering,) = start(terminals, "approval")
    answer(terminals, answering, "no")
    terminals.wait_for_cases("invoices", completed=1, failed=1)
    _, history, reason = story(terminals, "invoices", "Invoice 1")
    assert "attempt_failed" in history
    assert reason.startswith("paid: receipt ")
    assert story(terminals, "invoices", "Invoice 2")[2] == "the payment was denied"


def test_producer(terminals):
    (listing,) = start(terminals, "producer")
    terminals.wait_for_cases("items", completed=3)
    terminals.wait_for_cases("orders", completed=2)
    terminals.type([listing])
    assert story(terminals, "orders", "Order 1")[2] == "2 to pick"
    _, history, reason = story(terminals, "orders", "Order 2")
    assert history == ["created", "claimed", "handed_over", "handover", "completed"]
    assert reason == "1 to pick, with declaration-NZ"


def test_model(terminals):
    (listing,) = start(terminals, "model")
    terminals.wait_for_cases("reviews", completed=2)
    terminals.type([listing])
    case, _, reason = story(terminals, "reviews", "Review 2")
    assert (case.data["summary"], reason) == ("The lamp arrived broken.", "a bad review")


def test_pull(terminals):
    (working,) = start(terminals, "pull")
    key, program = working.split(" python ")
    terminals.keep_running([f"export {key}", f"python {program}"])
    answer(terminals, "casework requests answer", "yes")
    terminals.wait_for_cases("parcels", completed=2)
    assert story(terminals, "parcels", "Parcel 1")[2] == "sent 3 kg"
    _, history, reason = story(terminals, "parcels", "Parcel 2")
    assert (history.count("needs_input"), reason) == (1, "sent 90 kg")


def test_every_example_is_tried():
    tried = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert tried - {"every_example_is_tried"} == set(examples.sources())
