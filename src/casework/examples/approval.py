"""Approval: pays invoices, lets a person decide about large ones, and copes with a bank that fails.

Shows an approval, a temporary error that leads to another attempt, and steps that are done once.

In one terminal:

    $ export PYTHONPATH=. CASEWORK_AGENT_MODULES=approval && casework up

In another one:

    $ export PYTHONPATH=. CASEWORK_AGENT_MODULES=approval && casework queues create invoices &&
      casework agents create payer --python approval:payer --max-attempts 4 &&
      casework consumers set invoices payer --concurrency 2 &&
      casework cases add invoices 'Invoice 1' --data '{"vendor": "Cedar Print", "amount": 80}' &&
      casework cases add invoices 'Invoice 2' --data '{"vendor": "Blue Harbor", "amount": 12000}'

The small invoice is paid with the second attempt. The large one waits for you:

    $ casework requests answer
"""

from typing import Any

from casework import Complete, Fail, Outcome, Run, Transient, agent

LIMIT = 1000


@agent
def payer(run: Run) -> Outcome:
    """Pay an invoice; ask first if it is above the limit."""
    invoice = run.case.data
    if invoice["amount"] > LIMIT and not run.approve(
        f"Pay {invoice['amount']:,} to {invoice['vendor']}?", f"Invoices above {LIMIT:,} need an approval."
    ):
        return Fail("the payment was denied")
    # If what follows fails, the next attempt finds the receipt and does not pay again. A worker can die after the
    # payment and before it is recorded: then the bank recognizes the key.
    receipt = run.step("pay", lambda: pay(invoice, key=f"{run.id}-pay", attempt=run.attempt))
    run.tool("bank.pay", invoice, result=receipt)
    run.step("book", lambda: book(receipt))
    return Complete(f"paid: {receipt}")


def pay(invoice: dict[str, Any], key: str, attempt: int) -> str:
    """Stands for a bank. It is busy at first, and says how many seconds to wait."""
    if attempt == 1:
        raise Transient(f"the bank is busy and took nothing from {invoice['vendor']}", retry_after=1)
    return f"receipt {key[-12:-4]}"


def book(receipt: str) -> str:
    """Stands for the bookkeeping."""
    return f"booked {receipt}"
