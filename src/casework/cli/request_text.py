"""Requests and answers as people read them."""

import json
from typing import Any

import typer

from casework.cli.console import shorten
from casework.core.requests import Decision, HumanRequest
from casework.printable import printable


def rows_of(request: HumanRequest) -> list[tuple[str, Any]]:
    """The fields of a request with their values; None where there is none."""
    short, case = shorten([request.id])[request.id], shorten([request.case_id])[request.case_id]
    action = request.action
    several = request.approvals_needed > 1
    return [
        ("id", short),
        ("case", f"{case} {request.case_title}"),
        ("kind", request.kind),
        ("status", request.status),
        ("asks", request.title),
        ("description", request.description),
        ("options", ", ".join(request.options) or None),
        ("action", action.name if action else None),
        ("arguments", _json(action.arguments) if action else None),
        ("schema", _json(request.schema)),
        ("decisions", ", ".join(request.decisions)),
        ("for", ", ".join(request.assignees) or None),
        ("approvals", f"{len(request.approved_by)} of {request.approvals_needed}" if several else None),
        ("approved by", ", ".join(request.approved_by) or None),
        ("group", shorten([request.group_id])[request.group_id]),
        ("key", request.key),
        ("since", request.created_at),
        ("expires", request.expires_at),
        ("then", request.on_expiry),
        ("reminded", request.reminded_at),
        ("answer", answer_text(request)),
        ("message", request.message),
        ("answered", request.responded_at),
        ("by", request.responded_by),
        ("with key", request.by_key),
    ]


def answer_text(request: HumanRequest) -> str | None:
    """What people answered."""
    if request.decision is None:
        return None
    if request.decision is Decision.EDIT:
        return f"approved with {_json(request.arguments)}"
    words = {Decision.APPROVE: "approved", Decision.REJECT: "denied", Decision.EXPIRED: "expired"}
    return words.get(request.decision) or (request.answer if isinstance(request.answer, str) else _json(request.answer))


def describe(request: HumanRequest, place: str = "") -> None:
    """Tell somebody at a terminal what is asked."""
    head = f"({place}) {request.case_title}" if place else request.case_title
    lines = [printable(head), f"  {printable(request.title)}"]
    if request.description:
        lines.append(f"  {printable(request.description, lines=True)}")
    if request.action:
        lines.append(f"  {printable(request.action.name)} {printable(_json(request.action.arguments) or '')}")
    lines += [f"  {number}) {printable(option)}" for number, option in enumerate(request.options, 1)]
    typer.echo("\n".join(lines), err=True)


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)
