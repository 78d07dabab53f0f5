"""The agents of the demo: a clerk who pays invoices, and an auditor who takes what the clerk hands over."""

from casework import Complete, Fail, HandOver, Outcome, Postpone, Run, agent

APPROVAL_LIMIT = 10_000
PAYMENT_SECONDS = 0.02


@agent
def clerk(run: Run) -> Outcome:
    """Pay an invoice, unless something about it needs somebody else, or another day."""
    invoice = run.case.data
    run.say(f"Looking at invoice {invoice['number']} from {invoice['vendor']}")
    if not invoice["vat_id"]:
        return Fail("the invoice has no VAT number")
    if invoice["vendor"] == "Acme Offshore":
        return HandOver("auditor", reason="a vendor that is under review")
    if invoice["currency"] is None:
        currency = run.ask(f"Which currency is {invoice['number']} in?", options=("EUR", "USD"))
        run.update(data={**invoice, "currency": currency})
    if invoice["amount"] > APPROVAL_LIMIT and not run.approve(f"Pay {invoice['amount']:,} to {invoice['vendor']}?"):
        return Fail("the payment was denied")
    if invoice["due"] == "later" and not invoice.get("waited"):
        run.update(data={**run.case.data, "waited": True})
        return Postpone("2s", reason="not due yet")
    if invoice["bank"] == "flaky" and run.attempt == 1:
        raise TimeoutError("the bank did not answer")
    payment = run.step("payment", lambda: _pay(run))
    return Complete(f"paid as {payment}")


@agent
def auditor(run: Run) -> Outcome:
    """Look at what the clerk would not pay."""
    run.say("Checking the vendor's registration")
    run.sleep(PAYMENT_SECONDS)
    return Complete("checked and paid by the auditor")


def _pay(run: Run) -> str:
    run.tool("bank.pay", {"invoice": run.case.data["number"], "amount": run.case.data["amount"]}, result="accepted")
    run.sleep(PAYMENT_SECONDS)
    return f"P-{run.case.data['number']}"
