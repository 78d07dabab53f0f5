"""Producer: splits orders into one case for each item in a second queue, and hands exports over to a colleague.

Shows cases that an agent adds once, a second queue with an agent of its own, and a handover.

In one terminal:

    $ export PYTHONPATH=. CASEWORK_AGENT_MODULES=producer && casework up

In another one:

    $ export PYTHONPATH=. CASEWORK_AGENT_MODULES=producer && casework queues create orders && casework queues create items &&
      casework agents create intake --python producer:intake && casework consumers set orders intake &&
      casework agents create customs --python producer:customs && casework consumers set orders customs --trigger off &&
      casework agents create picker --python producer:picker && casework consumers set items picker --concurrency 2 &&
      casework cases add orders 'Order 1' --data '{"country": "DE", "items": ["desk", "lamp"]}' &&
      casework cases add orders 'Order 2' --data '{"country": "NZ", "items": ["chair"]}'

Order 2 goes to customs first. Then all three items are picked:

    $ casework cases list orders && casework cases list items
"""

from casework import Complete, HandOver, Outcome, Run, agent

AT_HOME = ("DE", "AT", "FR")


@agent
def intake(run: Run) -> Outcome:
    """Take an order in; customs takes those that leave the union."""
    if run.case.data["country"] not in AT_HOME:
        return HandOver("customs", reason=f"goes to {run.case.data['country']}")
    return Complete(f"{add_items(run)} to pick")


@agent
def customs(run: Run) -> Outcome:
    """Declare an export and take the order in. The trigger is off: only orders that are handed over come here."""
    declaration = run.step("declare", lambda: f"declaration-{run.case.data['country']}")
    return Complete(f"{add_items(run)} to pick, with {declaration}")


def add_items(run: Run) -> int:
    """Add a case for each item. This run adds them once, and with the keys no other run adds them again."""
    urgent = "high" if run.case.priority == "high" else "none"
    items = [
        {
            "title": f"Pick {item} for {run.case.title}",
            "data": {"item": item, "order": str(run.case.id)},
            "labels": [{"key": "order", "value": run.case.title}],
            "priority": urgent,
            "key": f"{run.case.id}/{number}",
        }
        for number, item in enumerate(run.case.data["items"], 1)
    ]
    run.add_cases(items, queue="items")
    return len(items)


@agent
def picker(run: Run) -> Outcome:
    """Fetch an item from its shelf."""
    shelf = run.step("shelf", lambda: sum(map(ord, run.case.data["item"])) % 40)
    return Complete(f"picked from shelf {shelf}")
