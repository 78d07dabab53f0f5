"""The kit for testing agents comes to what the real engine comes to, on PostgreSQL."""

from collections import Counter

import pytest
import scenario_agents
from real_engine import last_line, play

from casework import Decision
from casework.testing import Answering, run_agent

ANSWERS = {"Which colour?": "red", "Name?": "Ann", "Paint?": True}

# A name of an agent, its case, and for the kit its points, for the engine what happens at which place.
SCENARIOS = [
    ("talks", {}, {}, {}),
    *(
        ("returns", {"data": data}, {}, {})
        for data in ("complete", "without a reason", "fail", "hand over", "postpone")
    ),
    *(("returns", {"data": data}, {}, {}) for data in ("postpone to a moment", "nul", "surrogate", "not even text")),
    *(("returns", {"data": data}, {}, {}) for data in ("text", "nothing")),
    *(("raises", {"data": data}, {}, {}) for data in ("bug", "exit", "nul", "cancelled", "mixed group")),
    ("raises", {"data": "transient group", "max_attempts": 2}, {}, {}),
    ("stumbles", {"data": {"times": 2}}, {}, {}),
    ("stumbles", {"data": {"times": 1, "fails": True}}, {}, {}),
    ("stumbles", {"data": {"times": 9}, "max_attempts": 3}, {}, {}),
    ("stumbles", {"data": {"times": 1}, "max_attempts": 1}, {}, {}),
    ("stumbles", {"data": {"times": 6, "after": 30}, "max_attempts": 2}, {}, {}),
    ("stumbles", {"data": {"times": 9, "after": 1000}, "max_attempts": 2}, {}, {}),
    ("stumbles", {"data": {"times": 4, "after": 0}}, {}, {}),
    ("asks", {"answers": ANSWERS}, {}, {}),
    ("asks", {"answers": {**ANSWERS, "Paint?": False}}, {}, {}),
    ("asks", {"answers": {"Which colour?": "blue"}}, {}, {}),
    ("asks", {}, {}, {}),
    ("asks_what_cannot_be", {}, {}, {}),
    *(
        ("asks_together", {"answers": {"name": "Ann", "Refund?": refund, "How many?": {"n": 2}}}, {}, {})
        for refund in (
            True,
            Answering(arguments={"euros": 5}),
            Answering(decision=Decision.REJECT, message="no"),
            Answering(decision=Decision.RESPOND, value="ask Bob"),
        )
    ),
    ("asks_together", {"answers": {"name": "Ann", "How many?": {"n": 2}}}, {}, {}),
    ("asks_other_things", {"answers": {"attempt 1": "a", "attempt 2": "b"}}, {}, {}),
    *(
        ("asks_in_time", {"data": options, "answers": {"Sure?": Decision.EXPIRED}}, {}, {})
        for options in (
            {},
            {"on_expiry": "postpone", "postpone_for": "1d"},
            {"on_expiry": "default", "default": False},
            {"on_expiry": "continue"},
        )
    ),
    ("comes_back", {"data": {"times": 2}}, {}, {}),
    ("comes_back", {"data": {"times": 2}, "comes_back": 1}, {}, {}),
    ("comes_back", {"data": {"times": 2}, "comes_back": 5}, {}, {}),
    ("changes", {"data": "old"}, {}, {}),
    *(("refused", {"data": data}, {}, {}) for data in ("title", "nothing", "priority", "data", "step", "step's name")),
    *(("refused", {"data": data}, {}, {}) for data in ("message", "step with a surrogate", "case")),
    ("says_nul", {}, {}, {}),
    ("feeds", {"answers": {"Go on?": "yes"}}, {}, {}),
    ("feeds", {}, {}, {}),
    *(
        (name, given, points, hooks)
        for name in ("works", "works_async")
        for given, points, hooks in (
            ({}, {}, {}),
            ({}, {"kill_after_step": "first"}, {"after first": "dies"}),
            ({}, {"kill_in_step": "first"}, {"in first": "dies"}),
            ({}, {"kill_in_step": "second", "kill_after_step": "first"}, {"in second": "dies", "after first": "dies"}),
            ({"max_attempts": 1}, {"kill_after_step": "second"}, {"after second": "dies"}),
            ({}, {"stop_at": "step:2"}, {"second say done": "is_stopped"}),
            ({}, {"release_at": "step:2"}, {"second say done": "is_released"}),
        )
    ),
    ("remembers_a_tuple", {}, {"kill_at": "say:2"}, {"said": "dies"}),
    ("talks", {}, {"stop_at": "tool"}, {"second tool": "is_stopped"}),
    ("never_gives_up", {}, {"stop_at": "say:2"}, {"second say": "is_stopped"}),
    ("never_gives_up", {}, {"release_at": "say:2"}, {"second say": "is_released"}),
    ("never_gives_up", {}, {"kill_after_step": "first"}, {"after first": "dies"}),
]


def in_the_kit(name, given, points):
    scenario_agents.DONE.clear()
    scenario_agents.HOOKS.clear()
    result = run_agent(getattr(scenario_agents, name), **given, **points)
    case = result.case
    seen = {
        "status": result.status,
        "reason": result.reason,
        "error": last_line(result.error),
        "case": (case.title, case.data, case.priority, [(one.key, one.value) for one in case.labels]),
        "messages": [(one.type, one.content) for one in result.messages],
        "requests": [
            (one.kind, one.title, one.description, one.options, one.answer, one.decision, one.arguments, one.message)
            for one in result.requests
        ],
        "cases": [
            (one.queue, one.title, one.data, one.priority, one.key, sorted(f"{x.key}={x.value}" for x in one.labels))
            for one in sorted(result.cases, key=lambda one: one.queue)
        ],
        "steps": result.steps,
        "attempts": result.attempts,
        "failed": [one.reason for one in result.failed],
        "runs": result.runs,
    }
    assert Counter(result.ran) == scenario_agents.DONE or name in ("stumbles", "refused")
    return seen, Counter(scenario_agents.DONE)


@pytest.mark.parametrize(("name", "given", "points", "hooks"), SCENARIOS, ids=lambda part: str(part) if part else "-")
def test_the_kit_comes_to_what_the_engine_comes_to(db, clock, name, given, points, hooks):
    assert in_the_kit(name, given, points) == play(db, clock, name, hooks=hooks, **given)
