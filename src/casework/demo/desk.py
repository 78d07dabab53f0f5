"""The agents of `casework up --demo`: they look things up, draft, and ask before they act. They take a few seconds, as models do."""

from typing import Any

from casework import Action, Complete, Decision, Fail, Outcome, Postpone, Request, Run, agent
from casework.core.model import RequestKind

_REFUND = {
    "type": "object",
    "properties": {
        "order": {"type": "string", "title": "Order"},
        "amount": {"type": "number", "title": "Amount", "minimum": 0, "maximum": 5000},
        "currency": {"enum": ["EUR", "USD", "GBP"], "title": "Currency"},
        "restock": {"type": "boolean", "title": "Goods go back on the shelf"},
        "note": {"type": "string", "title": "Note for the books", "maxLength": 300},
    },
    "required": ["order", "amount", "currency"],
}
_MAIL = {
    "type": "object",
    "properties": {
        "to": {"type": "string", "title": "To"},
        "subject": {"type": "string", "title": "Subject", "minLength": 1},
        "body": {"type": "string", "title": "Text", "minLength": 1},
        "attachments": {"type": "array", "items": {"type": "string"}, "title": "Attachments"},
    },
    "required": ["to", "subject", "body"],
}
_DAMAGE = {
    "type": "object",
    "properties": {
        "damage": {"enum": ["none", "packaging", "goods"], "title": "What is damaged"},
        "photos": {"type": "integer", "title": "Photos", "minimum": 0},
        "remark": {"type": "string", "title": "Remark"},
    },
    "required": ["damage"],
}
_ACTING = (Decision.APPROVE, Decision.EDIT, Decision.REJECT)


@agent
def refunds(run: Run) -> Outcome:
    """Refund an order, once a person has agreed."""
    order = run.case.data
    run.say(f"{order['customer']} asks for a refund of order {order['order']}. I look at the order first.")
    run.sleep(1.5)
    run.tool(
        "orders.find", {"order": order["order"]}, result={"total": order["amount"], "delivered": order["delivered"]}
    )
    if order["amount"] > 2_000:
        run.request(
            Request(
                kind=RequestKind.FORM,
                title=f"How did order {order['order']} come back?",
                schema=_DAMAGE,
                description="From the warehouse.",
            )
        )
    run.sleep(1)
    run.tool(
        "customers.history",
        {"customer": order["customer"]},
        result={"orders": order["orders"], "refunds": order["refunds"]},
    )
    run.say(
        f"Delivered: {order['delivered']}. {order['refunds']} refunds in {order['orders']} orders. I would refund it."
    )
    answer = run.request(
        Request(
            kind=RequestKind.APPROVAL,
            title=f"Refund {order['amount']:,.2f} {order['currency']} to {order['customer']}?",
            description=f"**{order['reason']}**\n\n- {order['orders']} orders, {order['refunds']} refunds before\n- delivered: {order['delivered']}",
            action=Action(name="payments.refund", arguments=_refund(order), schema=_REFUND),
            decisions=_ACTING,
        )
    )
    if not answer.approved:
        return Fail(answer.message or "the refund was declined")
    run.sleep(0.5)
    assert answer.arguments is not None
    run.tool("payments.refund", dict(answer.arguments), result="accepted")
    return Complete(f"refunded {answer.arguments['amount']:,.2f} {answer.arguments['currency']}")


def _refund(order: dict[str, Any]) -> dict[str, Any]:
    refund = {name: order[name] for name in ("order", "amount", "currency")}
    return {**refund, "restock": order["delivered"] == "yes", "note": order["reason"]}


@agent
def mail(run: Run) -> Outcome:
    """Answer a letter. Routine ones go out at once; others are read by a person first."""
    letter = run.case.data
    run.say(f"Reading the letter of {letter['from']}.")
    run.sleep(2)
    if letter["kind"] == "unreadable":
        return Fail("the letter has no text: the scan is empty")
    if letter["kind"] == "later":
        return Postpone("3m", reason="the shop is closed until the stock is counted")
    if letter["kind"] == "unclear":
        product = run.ask(
            f"Which product does {letter['from']} mean?", options=("Lamp Aster", "Lamp Iris", "Shelf Birch")
        )
        run.say(f"It is about {product}.")
    run.tool("shop.search", {"query": letter["topic"]}, result=["terms.md", "shipping.md"])
    run.sleep(1)
    draft = {
        "to": letter["from"],
        "subject": f"Re: {letter['topic']}",
        "body": f"Dear {letter['from'].split('@')[0].title()},\n\nthank you for your letter about {letter['topic']}.\n{letter['answer']}\n\nKind regards",
    }
    if letter["kind"] == "routine":
        run.tool("mail.send", draft, result="sent")
        return Complete("answered")
    answer = run.request(
        Request(
            kind=RequestKind.APPROVAL,
            title=f"Send this reply to {letter['from']}?",
            description=f"> {letter['text']}",
            action=Action(name="mail.send", arguments=draft, schema=_MAIL),
            decisions=(*_ACTING, Decision.RESPOND),
        )
    )
    if answer.decision is Decision.RESPOND:
        run.say(f"A person says: {answer.value}")
        return Complete("left to a person")
    if not answer.approved:
        return Fail(answer.message or "the reply was not approved")
    assert answer.arguments is not None
    run.tool("mail.send", dict(answer.arguments), result="sent")
    return Complete("answered")
