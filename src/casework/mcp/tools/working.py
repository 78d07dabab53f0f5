"""Tools for agents: take a case, say what is done, and end it. Each call keeps the run alive."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import anyio
import anyio.lowlevel
from pydantic import BaseModel, Field

from casework.agents import Complete, Fail, HandOver, Outcome, Postpone
from casework.agents.stop import Suspended
from casework.core.model import MAX_LABELS, AgentId, LabelRef, Priority, RequestKind
from casework.core.requests import Action, Answered, Decision, Placed, Request
from casework.core.roles import Right
from casework.core.unset import UNSET
from casework.errors import InvalidInput
from casework.mcp import shapes
from casework.mcp.bounds import WithData, cut, piece, short
from casework.mcp.call import Call, in_thread
from casework.mcp.caller import Caller
from casework.mcp.shapes import AgentRef, Offset, Reason, Title
from casework.mcp.tool import tool
from casework.service import claims, pull, queues, runs
from casework.service.pull import PulledRun

_WORKER = "mcp"
_MOST_ANSWERS = 20
Claim = Annotated[
    str,
    Field(max_length=60, pattern=r"^[0-9a-fA-F-]{36}\.[0-9]{1,9}$", description="The claim that claim_case returned."),
]


def _parts(claim: str) -> tuple[UUID, int]:
    run_id, _, attempt = claim.partition(".")
    try:
        return UUID(run_id), int(attempt)
    except ValueError:
        raise InvalidInput("The claim is not one that claim_case returned.") from None


class Answer(BaseModel):
    question: str
    decision: Decision
    answer: Any = None
    arguments: Any = Field(None, description="What is to be done with the action, if it was approved.")
    message: str | None = None
    by: str | None = None


class Work(WithData):
    """A case that the caller holds."""

    claim: str | None = Field(None, description="Give it with every call for this case. Missing if no case is ready.")
    case_id: UUID | None = None
    title: str | None = None
    priority: Priority | None = None
    labels: list[str] | None = None
    created_at: datetime | None = None
    answers: list[Answer] | None = Field(
        None, description="What people answered to what this work asked before: the latest, newest last."
    )
    steps: dict[str, Any] | str | None = Field(None, description="Results that earlier attempts kept.")
    stop: bool = Field(False, description="Somebody wants this work to stop: call finish_case with outcome release.")


def _work(pulled: PulledRun, data_from: int = 0, *, stop: bool = False) -> Work:
    case = pulled.case
    return Work(
        claim=f"{pulled.run_id}.{pulled.attempt}",
        case_id=case.id,
        title=case.title,
        priority=case.priority,
        labels=[str(label) for label in case.labels],
        created_at=case.created_at,
        answers=[_answer(one) for one in pulled.answers[-_MOST_ANSWERS:]],
        steps=short(pulled.steps),
        stop=stop,
        **piece(case.data, data_from),
    )


def _answer(one: Answered) -> Answer:
    given = one.answer
    return Answer(
        question=cut(one.title) or "",
        decision=given.decision,
        answer=short(given.value),
        arguments=short(given.arguments),
        message=cut(given.message),
        by=given.by,
    )


@tool(Right.WORK)
async def claim_case(
    call: Call,
    agent: AgentRef | None = None,
    wait_seconds: Annotated[int, Field(ge=0, le=30, description="How long to wait for a case.")] = 0,
    claim: Annotated[Claim, Field(description="A claim that is held already: read its case again.")] | None = None,
    data_from: Offset = 0,
) -> Work:
    """Take the next case that is ready, as the agent that this key is for, and work on it: then finish_case, before the next one.
    Without calls a claim is lost after some minutes."""
    if claim is not None:
        return await in_thread(_again, call.caller, claim, data_from)
    agent_id = await in_thread(_agent_of, call.caller, agent)
    pulled = await in_thread(_pull, call.caller, agent_id)
    if pulled is None and wait_seconds:
        pulled = await call.waits.until(
            call.caller.identity, partial(_pull_if_ready, call.caller, agent_id), wait_seconds
        )
    if pulled is None:
        return Work()
    await _hand_out(call.caller, pulled)
    return _work(pulled)


def _agent_of(caller: Caller, agent: str | None) -> AgentId:
    if agent is not None:
        return pull.agent_id(caller.casework.db, caller.team, agent, caller.permitted)
    if caller.permitted is None or len(caller.permitted) != 1:
        raise InvalidInput("agent: name the agent to work as, because this key is for more than one.")
    (only,) = caller.permitted
    return only


def _pull(caller: Caller, agent_id: AgentId) -> PulledRun | None:
    return pull.claim(caller.casework.db, caller.team, agent_id, _WORKER, caller.permitted)


def _pull_if_ready(caller: Caller, agent_id: AgentId) -> PulledRun | None:
    return _pull(caller, agent_id) if pull.with_work(caller.casework.db, [agent_id]) else None


async def _hand_out(caller: Caller, pulled: PulledRun) -> None:
    """Lengthen the lease; or give the case back at once if the call was cancelled, because nobody learns of the claim."""
    casework = caller.casework
    who = (casework.settings, caller.team, pulled.run_id, pulled.attempt, caller.permitted)
    try:
        await in_thread(claims.keep, caller.casework.db, *who)
        await anyio.lowlevel.checkpoint()
    except anyio.get_cancelled_exc_class():
        with anyio.CancelScope(shield=True):
            casework.perform(await in_thread(pull.release, caller.casework.db, *who))
        raise


def _again(caller: Caller, claim: str, data_from: int) -> Work:
    run_id, attempt = _parts(claim)
    stop = _keep(caller, run_id, attempt)
    return _work(claims.again(caller.casework.db, caller.team, run_id, attempt), data_from, stop=stop)


def _keep(caller: Caller, run_id: UUID, attempt: int) -> bool:
    return claims.keep(caller.casework.db, caller.casework.settings, caller.team, run_id, attempt, caller.permitted)


class Noted(BaseModel):
    stop: bool = Field(description="Somebody wants this work to stop: call finish_case with outcome release.")


def _backend(caller: Caller, run_id: UUID, attempt: int) -> Any:
    casework = caller.casework
    return pull.backend(
        casework.db, casework.settings, caller.team, run_id, attempt, casework.effects, caller.permitted
    )


@tool(Right.WORK)
def say(caller: Caller, claim: Claim, text: Annotated[str, Field(min_length=1, max_length=100_000)]) -> Noted:
    """Tell people what you are doing or found out; it is kept with the case. It also keeps the claim alive."""
    run_id, attempt = _parts(claim)
    stop = _keep(caller, run_id, attempt)
    _backend(caller, run_id, attempt).say("text", {"text": text}, uuid4().hex)
    return Noted(stop=stop)


@tool(Right.WORK, destroys=True, idempotent=True)
def update_case(
    caller: Caller,
    claim: Claim,
    title: Title | None = None,
    data: Annotated[Any, Field(description="Replaces the data: text or any JSON value.")] = UNSET,
    priority: Priority | None = None,
    labels: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=401)]],
        Field(max_length=MAX_LABELS, description='All labels from now on, as "key=value" or "value".'),
    ]
    | None = None,
) -> Noted:
    """Change the case that you hold; what is left out stays. The next agent finds what you write into its data."""
    if title is None and data is UNSET and priority is None and labels is None:
        raise InvalidInput("Give at least one of title, data, priority and labels.")
    run_id, attempt = _parts(claim)
    stop = _keep(caller, run_id, attempt)
    refs: list[LabelRef] | None = None if labels is None else list(shapes.read_labels(labels))
    _backend(caller, run_id, attempt).update(title, data, priority, refs)
    return Noted(stop=stop)


class Ended(BaseModel):
    result: str = Field(description="What became of the case.")


@tool(Right.WORK)
def ask_person(
    caller: Caller,
    claim: Claim,
    title: Annotated[str, Field(min_length=1, max_length=2000, description="The question, or what is to be approved.")],
    type: RequestKind = RequestKind.QUESTION,
    description: Annotated[str, Field(max_length=10_000, description="What the person needs to know, in Markdown.")]
    | None = None,
    options: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=2000)]],
        Field(max_length=50, description="The only answers to a question."),
    ]
    | None = None,
    answer_schema: Annotated[dict[str, Any], Field(description="For a form: the JSON Schema of the answer.")]
    | None = None,
    action: Annotated[str, Field(min_length=1, max_length=500, description="For an approval: what you would do.")]
    | None = None,
    arguments: Annotated[dict[str, Any], Field(description="With action: its arguments.")] | None = None,
    decisions: Annotated[
        list[Literal["approve", "edit", "reject", "respond"]],
        Field(max_length=4, description="What people may decide; by default approve and reject, or respond."),
    ]
    | None = None,
    assignees: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=200)]],
        Field(max_length=50, description="Names of the people or keys who may answer."),
    ]
    | None = None,
) -> Ended:
    """Ask a person, and stop working on the case for now: the claim ends. Once answered, claim_case brings the case again, with the
    answer."""
    if arguments is not None and action is None:
        raise InvalidInput("arguments belong to an action: give both, or none.")
    asked = Request(
        kind=type,
        title=title,
        description=description,
        options=options or (),
        action=Action(name=action, arguments=arguments or {}) if action else None,
        schema=answer_schema,
        decisions=[Decision(one) for one in decisions or ()],
        assignees=assignees or (),
    )
    run_id, attempt = _parts(claim)
    casework = caller.casework
    wait = Suspended(Placed(asked))
    done = pull.ask(casework.db, casework.settings, caller.team, run_id, attempt, wait, caller.permitted)
    return Ended(result=casework.perform(done))


OUTCOMES = Literal["complete", "fail", "postpone", "hand_over", "release", "try_again"]
_NEEDS = {"postpone": "until", "hand_over": "to"}


@tool(Right.WORK)
def finish_case(
    caller: Caller,
    claim: Claim,
    outcome: Annotated[
        OUTCOMES,
        Field(
            description="complete: done. fail: it cannot be done. postpone: later, needs until. hand_over: to another agent, needs to. "
            "release: give it back as it was. try_again: after a temporary error."
        ),
    ],
    reason: Reason | None = None,
    until: Annotated[
        shapes.When, Field(description='For postpone: "2h", "1d", or a moment such as 2026-12-01T09:00:00Z.')
    ]
    | None = None,
    to: Annotated[AgentRef, Field(description="For hand_over: name or id of an agent of the queue.")] | None = None,
) -> Ended:
    """End your work on a case with exactly one outcome. The claim ends."""
    given = {"until": until, "to": to}
    for other, name in _NEEDS.items():
        if given[name] is None and outcome == other:
            raise InvalidInput(f"The outcome {outcome} needs {name}.")
        if given[name] is not None and outcome != other:
            raise InvalidInput(f"{name} belongs to the outcome {other}, and not to {outcome}.")
    run_id, attempt = _parts(claim)
    casework = caller.casework
    if to is not None:
        _check_target(caller, run_id, to)
    who = (casework.db, casework.settings, caller.team, run_id, attempt)
    if outcome == "release":
        done = pull.release(*who, caller.permitted)
    elif outcome == "try_again":
        done = pull.crashed(*who, reason or "the agent reported a temporary error", caller.permitted)
    else:
        done = pull.outcome(*who, _outcome(outcome, reason, until or "", to or ""), caller.permitted)
    return Ended(result=casework.perform(done))


def _check_target(caller: Caller, run_id: UUID, to: str) -> None:
    """Raise InvalidInput for a target that is not a consumer of the run's queue: the case would fail for a slip of the pen."""
    queue_id = runs.get(caller.casework.db, caller.team, run_id).queue_id
    others = queues.consumers(caller.casework.db, caller.team, queue_id)
    if not any(to in (one.agent_name, str(one.agent_id)) for one in others):
        names = ", ".join(one.agent_name for one in others)
        raise InvalidInput(f"to: {to!r} is not an agent of this queue. There are: {names}.")


def _outcome(outcome: str, reason: str | None, until: str, to: str) -> Outcome:
    match outcome:
        case "complete":
            return Complete(reason)
        case "fail":
            return Fail(reason or "the agent gave no reason")
        case "postpone":
            return Postpone(until, reason)
        case _:
            return HandOver(to, reason)


TOOLS = (claim_case, say, update_case, ask_person, finish_case)
