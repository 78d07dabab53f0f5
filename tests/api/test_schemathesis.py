"""Generated requests, valid and not: no server error, and no answer off its schema."""

import os
from contextlib import suppress
from datetime import timedelta

import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.specs.openapi.checks import positive_data_acceptance

from casework.store import processes

# What a schema cannot say: `data` is any JSON value but for NUL characters at any depth; a cursor is one that a page
# gave; a status list has commas in it; a day has to be in its month; an answer names the question that was asked; a name
# can be seen, and cannot be taken for another one; a limit bounds something, somehow.
UNSAYABLE = {
    *("create_cases", "update_case", "add_message", "update_held_case", "record_step"),
    *("create_queue", "update_queue", "create_agent", "update_agent"),
    *("list_cases", "search_cases", "list_runs", "list_human_requests", "respond_to_human_request", "report_outcome"),
    *("answer_human_request", "ask_person", "put_limit"),
}
EXAMPLES = int(os.environ.get("CASEWORK_TEST_EXAMPLES", 2))

once = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_answers_any_request_within_its_schema(api):
    schema = schemathesis.openapi.from_asgi("/openapi.json", api.client.app)
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) > 50
    for operation in operations:
        with api.db.begin() as tx:
            for role in ("ticker", "worker"):
                processes.seen(tx, role, role, timedelta(minutes=1))
        for mode in GenerationMode:
            call_with_generated(api, operation, mode)


def call_with_generated(api, operation, mode):
    left_out = {positive_data_acceptance} if operation.definition.raw.get("operationId") in UNSAYABLE else set()
    checks = [check for check in CHECKS.get_all() if check not in left_out]

    @once
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case):
        # An unknown parameter with an empty list for its value is not sent, so that the request is right.
        assume(not any(value in ([], {}) for value in (case.query or {}).values()))
        # A long poll would only wait.
        if isinstance(case.body, dict) and isinstance(case.body.get("wait_seconds"), int):
            case.body["wait_seconds"] = 0
        case.call_and_validate(headers={"Authorization": f"Bearer {api.token}"}, checks=checks)

    # An operation that takes nothing cannot be called wrongly.
    with suppress(Unsatisfiable):
        call()
