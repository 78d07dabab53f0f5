"""Commands as agents: what their output and their exit code make of the case."""

import json
import shutil

import pytest

from agents.commanding import ALLOWING
from casework.agents.runners import process
from casework.agents.runners.command import MAX_MESSAGES, MAX_STDERR
from casework.core.lifecycle import RunStatus
from casework.core.requests import Answering
from casework.service import requests
from factories import TEAM, a_queue

GET = """\
get() { python3 -c "import json, os; case = json.load(open(os.environ['CASEWORK_CASE_FILE'])); print(json.dumps($1))"; }
"""
"""Shell: `get EXPRESSION` prints what Python finds in `case`, as JSON."""

TEN_LINES = """\
#!/bin/sh
zip=$(jq -r '.data.zip // .answers["Which ZIP code is it?"] // empty')
if [ -z "$zip" ]; then
  echo '{"ask": "Which ZIP code is it?", "options": ["10027", "20301"]}'
  exit
fi
echo "Looking at $zip"
echo "{\\"update\\": {\\"data\\": {\\"zip\\": \\"$zip\\"}}}"
echo '{"outcome": "complete", "reason": "routed"}'
"""


def lines(*objects):
    """A shell script that prints these objects."""
    return "cat <<'END'\n" + "".join(json.dumps(one) + "\n" for one in objects) + "END\n"


@pytest.mark.skipif(shutil.which("jq") is None, reason="the script uses jq")
def test_ten_lines_of_shell_ask_go_on_and_complete(script):
    worked = script(TEN_LINES, data={"street": "Main"})
    assert worked.work_all() == ["needs_input"]
    (request,) = requests.find(worked.db, TEAM)
    assert (request.title, request.options) == ("Which ZIP code is it?", ("10027", "20301"))
    worked.answer("10027")
    assert worked.work_all() == ["completed"]
    assert (worked.reason, worked.said, worked.case.data) == ("routed", ["Looking at 10027"], {"zip": "10027"})
    assert worked.run.status is RunStatus.COMPLETED


@pytest.mark.parametrize("approved", [True, False])
def test_an_approval_is_a_truth_value_in_the_answers(script, approved):
    worked = script(
        f"""{GET}[ "$(get "case['answers']")" != "{{}}" ] || echo '{{"approve": "Pay?", "description": "a desk"}}'\n"""
        """get "case['answers']" >&2; exit 1"""
    )
    assert worked.work_all() == ["needs_input"]
    worked.answer(approved)
    assert worked.work_all() == ["failed"]
    assert worked.reason.endswith(f': {{"Pay?": {json.dumps(approved)}}}')


def test_a_question_that_is_answered_does_not_end_the_command_again(script):
    worked = script('echo \'{"ask": "Name?"}\'\necho going on')
    assert worked.work_all() == ["needs_input"]
    worked.answer("x")
    assert worked.work_all() == ["completed"]
    assert worked.said == ["going on"]


def test_a_command_asks_for_a_decision_about_an_action(script):
    action = {"name": "refund", "arguments": {"euros": 120}}
    asked = {"kind": "approval", "title": "Refund?", "action": action, "decisions": ["approve", "edit"], "key": "r"}
    worked = script(f"""{lines({"request": asked})}{GET}get "case['requests'][0]" >&2; exit 1""")
    assert worked.work_all() == ["needs_input"]
    (request,) = requests.find(worked.db, TEAM)
    requests.answer(worked.db, TEAM, request.id, Answering(arguments={"euros": 5}, message="less"), person="Ann")
    assert worked.work_all() == ["failed"]
    told = json.loads(worked.reason.partition(": ")[2])
    expected = {
        "key": "r",
        "decision": "edit",
        "arguments": {"euros": 5},
        "message": "less",
        "by": "Ann",
        "response": True,
    }
    assert expected.items() <= told.items()


def test_a_command_asks_several_in_one_wait(script):
    worked = script(
        f"""{lines({"requests": [{"title": "a"}, {"title": "b"}]})}{GET}get "case['answers']" >&2; exit 1"""
    )
    assert worked.work_all() == ["needs_input"]
    for request in reversed(requests.find(worked.db, TEAM)):
        requests.answer(worked.db, TEAM, request.id, request.title.upper())
    assert worked.work_all() == ["failed"]
    assert worked.reason.endswith(': {"a": "A", "b": "B"}')


def test_a_command_may_leave_out_what_was_answered(script):
    worked = script(
        f"""{GET}if [ "$(get "case['answers'].get('a')")" = null ]; then echo '{{"ask": "a"}}'; exit; fi\n"""
        """echo '{"ask": "b"}'"""
    )
    for answer in ("1", "2"):
        assert worked.work_all() == ["needs_input"]
        worked.answer(answer)
    assert worked.work_all() == ["completed"]
    assert worked.said == []


def test_an_approval_of_one_action_of_a_command_does_not_go_to_another(script):
    asked = {"kind": "approval", "title": "Refund?", "action": {"name": "refund", "arguments": {"euros": 1}}}
    text = lines({"request": asked})
    changed = text.replace('"euros": 1', '"euros": 9000')
    worked = script(f"if [ $CASEWORK_ATTEMPT = 1 ]; then\n{text}else\n{changed}fi\n")
    assert worked.work_all() == ["needs_input"]
    worked.answer(True)
    assert worked.work_all() == ["needs_input"]
    (request,) = requests.find(worked.db, TEAM)
    assert request.action.arguments == {"euros": 9000}


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"title": "a", "kid": 1}, "did you mean 'kind'"),
        ({"kind": "form", "title": "a"}, "needs a schema"),
        ({}, "no title"),
    ],
)
def test_a_request_of_a_command_that_cannot_be_fails_the_case(script, request_, message):
    worked = script(lines({"request": request_}))
    assert worked.work_all() == ["failed"]
    assert message in worked.reason


def test_what_a_command_can_say(script):
    worked = script(
        lines(
            {"say": "hello"},
            {"tool": "search", "arguments": {"q": 1}, "result": [2]},
            {"update": {"title": "new", "priority": "high", "labels": [{"value": "urgent"}]}},
            {"add_cases": [{"title": "another", "data": 7}], "queue": "other"},
            {"outcome": "hand_over", "to": "nobody", "reason": "not mine"},
        )
        + "printf 'plain text without an end'"
    )
    other = a_queue(worked.db, "other")
    assert worked.work() == "failed"
    assert [type for type, _ in worked.messages] == ["text", "tool_call", "tool_result", "text"]
    assert worked.said == ["hello", "plain text without an end"]
    assert worked.messages[2][1]["result"] == [2]
    case = worked.case
    assert (case.title, case.priority, [label.value for label in case.labels]) == ("new", "high", ["urgent"])
    assert worked.reason == "handed over to 'nobody', which is not a consumer of the queue"
    with worked.db.begin() as tx:
        assert tx.sql("select count(*) from cases where queue_id = %(id)s", {"id": other.id}).scalar_one() == 1


def test_steps_are_found_again_in_the_next_attempt(script, clock):
    worked = script(
        f"""{GET}echo '{{"step": "pay", "result": {{"receipt": 7}}}}'\n"""
        """[ $CASEWORK_ATTEMPT = 2 ] || exit 75\nget "case['steps']['pay']['receipt'] + 1"\n"""
        """echo '{"step": "pay", "result": "another"}'\n"""
    )
    assert worked.work() == "attempt_failed"
    clock.forward(10)
    assert worked.work() == "completed"
    assert worked.said == ["8"]
    with worked.db.begin() as tx:
        assert tx.sql("select value from run_steps").scalar_one() == {"receipt": 7}


def test_the_case_on_standard_input_is_the_one_in_the_file(script):
    worked = script(
        f"""{GET}cmp - "$CASEWORK_CASE_FILE" && get "[case['run_id'] == '$CASEWORK_RUN_ID', case]" | cut -c2-""",
        data={"ü": [1.5, None]},
    )
    assert worked.work() == "completed"
    is_of_run, _, case = worked.said[0].removesuffix("]").partition(", ")
    case = json.loads(case)
    assert is_of_run == "true"
    assert (case["id"], case["title"], case["data"]) == (str(worked.case_id), "case 0", {"ü": [1.5, None]})
    assert (case["labels"], case["attempt"], case["agent"], case["answers"]) == ([], 1, "command", {})


@pytest.mark.parametrize("span", [{"for": "2h"}, {"until": "2026-03-01T14:00:00+00:00"}])
def test_postponed_for_a_span_or_until_a_moment(script, clock, span):
    worked = script(lines({"outcome": "postpone", "reason": "closed", **span}))
    assert worked.work() == "postponed"
    assert (worked.case.postponed_to - clock.now).total_seconds() == 7200


@pytest.mark.parametrize(
    ("text", "result", "reason"),
    [
        ("true", "completed", None),
        ("echo one >&2; echo two >&2; exit 3", "failed", "The command ended with exit code 3: two"),
        ("exit 1", "failed", "The command ended with exit code 1."),
        ("echo later >&2; exit 75", "attempt_failed", "The command asked for another attempt (exit code 75): later"),
        ("kill -KILL $$", "failed", "The command was killed by SIGKILL."),
        ("kill -SEGV $$", "failed", "The command was killed by SIGSEGV."),
        (lines({"outcome": "fail", "reason": "no such street"}) + "exit 1", "failed", "no such street"),
        (lines({"outcome": "fail", "reason": "no such street"}), "failed", "no such street"),
        (lines({"outcome": "complete"}) + "exit 4", "failed", "The command ended with exit code 4."),
        (lines({"outcome": "complete"}) + "exit 75", "attempt_failed", "The command asked for another attempt (exit"),
    ],
)
def test_how_it_ends(script, text, result, reason):
    worked = script(text)
    assert worked.work() == result
    assert (worked.reason or "").startswith(reason or "")


def test_more_attempts_than_the_agent_has_fail_the_case(script, clock):
    worked = script("exit 75")
    results = []
    for _ in range(ALLOWING.max_attempts):
        results.append(worked.work())
        clock.forward(100)
    assert results == ["attempt_failed"] * 4 + ["failed"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"outcom": "complete"}', "Unknown field 'outcom': did you mean 'outcome'?"),
        ('{"outcome": "done"}', "There is no outcome 'done': known are complete"),
        ('{"outcome": ["fail"]}', "There is no outcome ['fail']"),
        ('{"outcome": "fail"}', "reason: it is missing"),
        ('{"outcome": "complete", "to": "x"}', "Unknown field 'to'"),
        ('{"outcome": "postpone"}', 'Postpone needs one of "for"'),
        ('{"outcome": "postpone", "for": "soon"}', "'soon' is not a duration"),
        ('{"outcome": "postpone", "until": "2026-03-01T14:00:00"}', "has no time zone"),
        ('{"outcome": "complete"}\n{"outcome": "fail", "reason": "x"}', "It is a second outcome."),
        ('{"say": "a", "ask": "b"}', "must have exactly one of say, tool"),
        ("{}", "must have exactly one of say, tool"),
        ('{"say": 5}', "say: it should be text"),
        ('{"say": "a \\u0000"}', "contains a NUL character"),
        ('{"ask": "Name?", "option": ["a"]}', "Unknown field 'option': did you mean 'options'?"),
        ('{"update": {"titel": "x"}}', "Unknown field 'titel': did you mean 'title'?"),
        ('{"update": {"labels": 5}}', "update.labels: it should be a list"),
        ('{"update": {}}', "Give at least one of title"),
        ('{"update": {"priority": "soon"}}', "The priority 'soon' does not exist"),
        ('{"add_cases": [{"title": "x"}], "queue": "nowhere"}', "There is no queue 'nowhere'"),
        ('{"step": ""}', "The step's name is empty"),
        ('{"outcome": "complete", "reason": "a "quoted" word"}', "It begins like a JSON object, and is not JSON."),
        ('{"say": ' + "[" * 100_000, "It begins like a JSON object"),
    ],
)
def test_an_object_that_cannot_be_followed_fails_the_case(script, tmp_path, line, problem):
    (tmp_path / "output").write_text(line + "\n")
    worked = script(f"echo first\ncat {tmp_path}/output\nsleep 1000")
    assert worked.work() == "failed"
    assert worked.reason.startswith(f"Line {line.count(chr(10)) + 2} of the command's output, ")
    assert problem in worked.reason
    assert len(worked.reason) < 2500


def test_what_is_not_an_object_is_a_message(script):
    worked = script(
        "printf '%s\\n' '[1]' 7 '' '  ' \"{'a': 1}\" '{x}' '\"text\"' $'caf\\303\\251 \\377'", program="bash"
    )
    assert worked.work() == "completed"
    assert worked.said == ["[1]", "7", "{'a': 1}", "{x}", '"text"', "café \ufffd"]


def test_what_was_said_is_not_said_again_by_the_next_attempt(script, clock):
    worked = script("echo same\necho same\necho note >&2\necho $CASEWORK_ATTEMPT\n[ $CASEWORK_ATTEMPT = 2 ] || exit 75")
    assert worked.work() == "attempt_failed"
    clock.forward(10)
    assert worked.work() == "completed"
    assert sorted(worked.said) == ["1", "2", "same", "same", "stderr: note"]


def test_a_line_that_is_too_long_is_cut(script):
    worked = script(f"head -c {3 * process.MAX_LINE} /dev/zero | tr '\\0' x\necho\necho after")
    assert worked.work() == "completed"
    assert [len(text) for text in worked.said] == [process.MAX_LINE, len(worked.said[1]), len("after")]
    assert worked.said[1] == "[the line above is cut: 1000000 bytes are the most]"


def test_an_object_that_is_too_long_fails_the_case(script):
    worked = script(f"printf '{{\"say\": \"'; head -c {process.MAX_LINE} /dev/zero | tr '\\0' x; echo '\"}}'")
    assert worked.work() == "failed"
    assert worked.reason.endswith("...: It is longer than 1000000 bytes.")


def test_messages_beyond_the_limit_are_left_out_and_the_outcome_counts(script):
    worked = script(f"seq {MAX_MESSAGES + 500}\n" + lines({"outcome": "complete", "reason": "counted"}))
    assert worked.work() == "completed"
    assert len(worked.said) == MAX_MESSAGES + 1
    assert worked.said[-1] == "[10000 messages are the most of an attempt; the others are left out]"
    assert worked.reason == "counted"


def test_standard_error_is_kept_up_to_its_limit_and_its_end_is_the_reason(script):
    worked = script(f"yes {'e' * 999} | head -n 200 >&2\necho the end >&2\nexit 1")
    assert worked.work() == "failed"
    kept = [text.removeprefix("stderr: ") for text in worked.said if text.startswith("stderr: ")]
    assert sum(map(len, kept)) == MAX_STDERR
    assert worked.said[-1] == "[65536 characters of stderr are the most; the rest is left out]"
    assert worked.reason == "The command ended with exit code 1: the end"
    assert worked.run.error.endswith("\nthe end")
