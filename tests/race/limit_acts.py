"""Acts on limits, on their lines, and on what they tell cases by. Each returns its result in a word."""

from casework.core.limits import Rate
from casework.core.model import LabelRef, NewCase
from casework.service import cases, labels, limits, lines
from casework.service.ticker import Ticker
from factories import TEAM


def serve_lines(scene):
    """What a tick does before it claims, and the beat's tick for all lines."""
    ticker = Ticker(limited=True)
    return f"serves {len(lines.serve(scene.db, ticker, sweeping=True))}"


def limit_queue(scene):
    return f"counts {limits.put(scene.db, TEAM, queue=scene.queue.id, concurrency=50).value.used}"


def limit_agent(scene):
    rate = Rate(1000, 1.0, 1000)
    return f"counts {limits.put(scene.db, TEAM, agent=scene.agent.id, concurrency=50, rate=rate).value.used}"


def limit_values(scene):
    """Or change the limit, if it is there."""
    return f"counts {limits.put(scene.db, TEAM, queue=scene.queue.id, key='data.customer', concurrency=3).value.used}"


def limit_labels_of_agent(scene):
    limit = limits.put(scene.db, TEAM, queue=scene.queue.id, agent=scene.agent.id, key="label:urgent", concurrency=2)
    return f"counts {limit.value.used}"


def limit_no_more(scene):
    """Each limit in turn."""
    found = limits.find(scene.db, TEAM) or [limits.put(scene.db, TEAM, queue=scene.queue.id, concurrency=50).value]
    return f"deletes {len([limits.delete(scene.db, TEAM, limit.id) for limit in found])}"


def create_of_customers(scene):
    """Cases of a value whose limit may be reached, and of a new one."""
    new = [NewCase("one more", {"customer": customer}) for customer in ("running", "new")]
    return f"creates {len(cases.create(scene.db, scene.queue.id, new).value)}"


def rename_label(scene):
    """By which a limit tells cases apart."""
    found = next((one for one in labels.names(scene.db, TEAM, scene.queue.id, 9) if one.key == "customer"), None)
    found = found or labels.create(scene.db, TEAM, scene.queue.id, LabelRef("new", "customer"), None)
    labels.change(scene.db, TEAM, scene.queue.id, found.id, key=None, value="renamed", hue=None)
    return "renamed"
