"""The examples, executed in this process: what becomes of their cases. `test_examples_on_processes` plays their docstrings."""

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.error import HTTPError

import pytest

from casework.cli import examples
from casework.core.model import CaseFilter, NewCase
from casework.core.transient import is_transient
from casework.examples import model
from casework.service import agents, cases, queues, requests
from casework.settings import Settings
from factories import TEAM, history, work_all

MAX_LINES = 90
SOURCES = examples.sources()
SETTINGS = Settings(agent_modules="casework.examples.*", retry_base_seconds=0.01)


def consume(db, queue: str, target: str, *, trigger: bool = True) -> None:
    """Connect an agent of an example to a queue."""
    if queue not in [one.name for one in queues.find(db, TEAM)]:
        queues.create(db, TEAM, queue)
    name = target.partition(":")[2]
    agents.create(db, SETTINGS, TEAM, name, target=f"casework.examples.{target}")
    queues.set_consumer(db, TEAM, queue, name, trigger=trigger, concurrency=None)


def work_on(db, queue: str, title: str, data):
    """Add a case and work until nothing is ready. Returns its id."""
    (id,) = cases.create(db, queues.get(db, TEAM, queue).id, [NewCase(title, data)]).value
    work_all(db, SETTINGS)
    return id


def end(db, id) -> tuple[str, str | None]:
    """The status of a case, and the last reason in its history."""
    case, events = cases.get(db, TEAM, id)
    return case.status, events[-1].reason


def test_triage_asks_only_if_it_cannot_tell(db):
    consume(db, "tickets", "triage:triage")
    assert end(db, work_on(db, "tickets", "Charged twice", "in May")) == ("completed", "routed to billing")
    vague = work_on(db, "tickets", "Help", "It does not work")
    (request,) = requests.find(db, TEAM)
    assert request.options == ("billing", "accounts", "shipping")
    requests.answer(db, TEAM, request.id, "accounts")
    work_all(db, SETTINGS)
    assert end(db, vague) == ("completed", "routed to accounts")
    assert cases.get(db, TEAM, vague)[0].data["team"] == "accounts"


@pytest.mark.parametrize("approved", [True, False])
def test_a_large_invoice_waits_for_approval(db, approved):
    consume(db, "invoices", "approval:payer")
    id = work_on(db, "invoices", "Invoice 2", {"vendor": "Blue Harbor", "amount": 12_000})
    (request,) = requests.find(db, TEAM)
    assert request.title == "Pay 12,000 to Blue Harbor?"
    requests.decide(db, TEAM, request.id, approved)
    work_all(db, SETTINGS)
    assert end(db, id)[0] == ("completed" if approved else "failed")


def test_a_busy_bank_leads_to_another_attempt(db):
    consume(db, "invoices", "approval:payer")
    id = work_on(db, "invoices", "Invoice 1", {"vendor": "Cedar Print", "amount": 80})
    assert history(db, id)[-1] == "attempt_failed"


def test_an_order_becomes_a_case_for_each_item(db):
    consume(db, "orders", "producer:intake")
    consume(db, "orders", "producer:customs", trigger=False)
    consume(db, "items", "producer:picker")
    at_home = work_on(db, "orders", "Order 1", {"country": "DE", "items": ["desk", "lamp"]})
    export = work_on(db, "orders", "Order 2", {"country": "NZ", "items": ["chair"]})
    assert end(db, at_home) == ("completed", "2 to pick")
    assert end(db, export) == ("completed", "1 to pick, with declaration-NZ")
    assert "handed_over" in history(db, export)
    picked = cases.find(db, queues.get(db, TEAM, "items").id, CaseFilter(), limit=9)
    assert sorted(case.title for case in picked) == [
        "Pick chair for Order 2",
        "Pick desk for Order 1",
        "Pick lamp for Order 1",
    ]


def test_without_a_key_a_stand_in_answers(db):
    consume(db, "reviews", "model:critic")
    id = work_on(db, "reviews", "Review", "It arrived broken. Nobody answers.")
    assert end(db, id) == ("completed", "a bad review")
    assert cases.get(db, TEAM, id)[0].data["summary"] == "It arrived broken."


@pytest.mark.parametrize("name", SOURCES)
def test_an_example_is_short_and_begins_with_three_commands(name):
    assert len(SOURCES[name].splitlines()) <= MAX_LINES
    assert len(examples.commands(SOURCES[name])) == 3
    assert f"--python {name}:" in SOURCES[name] or name == "pull"


class Service(BaseHTTPRequestHandler):
    """A model behind HTTP, which is overloaded if it is asked to be."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        prompt = asked["messages"][0]["content"]
        self.send_response(503 if prompt == "overloaded" else 200)
        self.end_headers()
        said = f"{self.headers['authorization']} {asked['model']} {prompt}"
        self.wfile.write(json.dumps({"choices": [{"message": {"content": said}}]}).encode())

    def log_message(self, *arguments):
        pass


@pytest.fixture
def service(monkeypatch):
    with HTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("MODEL_URL", f"http://127.0.0.1:{server.server_port}/v1/chat/completions")
        monkeypatch.setenv("MODEL_API_KEY", "secret")
        monkeypatch.setenv("MODEL_NAME", "small")
        yield
        server.shutdown()


def test_with_a_key_the_model_is_asked(service):
    assert asyncio.run(model.complete("hello")) == "Bearer secret small hello"


def test_an_overloaded_model_is_asked_again_later(service):
    with pytest.raises(HTTPError) as raised:
        asyncio.run(model.complete("overloaded"))
    assert is_transient(raised.value)
    raised.value.close()
