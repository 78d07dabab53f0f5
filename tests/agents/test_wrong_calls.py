"""A wrong call on a run says what was wrong and what to write, and nothing is recorded."""

from datetime import UTC, datetime

import pytest

from casework.agents import Run
from casework.agents.run import HeldCase, History
from casework.agents.stop import Stop, Suspended
from casework.core.lifecycle import CaseStatus
from casework.core.model import CaseId, NewCase, Priority, QueueId, RunId
from casework.errors import InvalidInput
from casework.store.ids import new_id


class Record:
    """A backend that keeps what is written."""

    def __init__(self):
        self.written = []

    def say(self, type, content, key):
        self.written.append(content)

    def record_step(self, name, value):
        self.written.append((name, value))

    def update(self, title, data):
        self.written.append((title, data))

    def add_cases(self, queue, cases, step):
        self.written.append(list(cases))
        return []

    def list_cases(self, queue, statuses, title_contains, limit):
        self.written.append(list(statuses))
        return []


@pytest.fixture
def record():
    return Record()


@pytest.fixture
def run(record):
    case = HeldCase(CaseId(new_id()), QueueId(new_id()), "title", {}, Priority.NONE, (), datetime.now(UTC))
    return Run(id=RunId(new_id()), attempt=1, agent_name="a", case=case, history=History(), backend=record, stop=Stop())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda run: run.add_cases({"title": "x"}), r"add_cases takes a list of cases: put \[ \] around the one"),
        (lambda run: run.add_cases(NewCase("x")), "add_cases takes a list of cases"),
        (lambda run: run.add_cases(["x"]), r"A case is a mapping with a title and other fields \(got 'x'\)"),
        (lambda run: run.add_cases([{"titel": "x"}]), "Unknown case field 'titel': did you mean 'title'"),
        (lambda run: run.add_cases([{"data": 1}]), "The case has no title"),
        (lambda run: run.add_cases([{"title": 5}]), "The title must be text"),
        (lambda run: run.add_cases([{"title": "x", "labels": "urgent"}]), "The labels of a case are a list of mappings"),
        (lambda run: run.add_cases([{"title": "x", "labels": {"a": "b"}}]), "The labels of a case are a list of mappings"),
        (lambda run: run.add_cases([{"title": "x", "labels": ["urgent"]}]), "A label is a mapping with value and key"),
        (lambda run: run.add_cases([{"title": "x", "labels": [{"key": "a"}]}]), "The label has no value"),
        (lambda run: run.add_cases([{"title": "x", "priority": "urgent"}]), "The priority 'urgent' does not exist; known: none, medium, high"),
        (lambda run: run.list_cases(status="pendin"), "status: unknown status 'pendin': did you mean 'pending'"),
        (lambda run: run.list_cases(status=["done"]), "status: unknown status 'done': Known: claimed, completed"),
        (lambda run: run.ask("Which?", options="EUR"), r"The options are a list of texts: write \['EUR'\]"),
        (lambda run: run.ask(5), "The question must be text"),
        (lambda run: run.ask("Which?", options=[5]), "The option must be text"),
        (lambda run: run.step("total", 5), "The step 'total' takes a function, which it calls once: put `lambda:` before"),
        (lambda run: run.update(title=5), "The title must be text"),
        (lambda run: run.update(data={1, 2}), "The data is not JSON"),
    ],
)  # fmt: skip
def test_a_wrong_call_says_what_to_write(run, record, call, message):
    with pytest.raises(InvalidInput, match=message):
        call(run)
    assert record.written == []


def test_statuses_are_given_as_text_or_as_a_list(run, record):
    run.list_cases(status="pending,failed")
    run.list_cases(status=["pending", "failed"])
    assert record.written == [[CaseStatus.PENDING, CaseStatus.FAILED]] * 2


def test_what_an_agent_says_is_kept_as_text(run, record):
    run.say(["not", "text"])
    assert record.written == [{"text": "['not', 'text']"}]


def test_a_list_of_options_is_asked(run):
    with pytest.raises(Suspended) as raised:
        run.ask("Which?", options=["EUR", "USD"])
    assert list(raised.value.placed[0].request.options) == ["EUR", "USD"]
