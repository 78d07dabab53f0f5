"""Pull: an agent outside of the workers, which asks for work over HTTP, and needs nothing of casework.

Shows the protocol: claim, heartbeat, message, question, outcome. `casework guide agents-elsewhere` describes it.

In one terminal:

    $ casework up

In another one:

    $ casework queues create parcels && casework agents create robot --pull &&
      casework consumers set parcels robot --concurrency 2 &&
      casework cases add parcels 'Parcel 1' --data '{"weight": 3}' &&
      casework cases add parcels 'Parcel 2' --data '{"weight": 90}'

    $ KEY=$(casework keys create robot --role agent --agent robot | head -1) python pull.py

Parcel 1 is sent. Parcel 2 waits until you type `casework requests answer` in a third terminal.
"""

import json
import os
import threading
import urllib.error
import urllib.request
from typing import Any

API = os.environ.get("API", "http://127.0.0.1:8080/v1")


def call(path: str, **body: Any) -> Any:
    """Send a request; None if the answer is empty."""
    headers = {"Authorization": f"Bearer {os.environ['KEY']}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{API}{path}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read() or "null")


def ship(work: dict[str, Any]) -> dict[str, Any]:
    """The work itself: the path to report to, and the report. A heavy parcel waits for a person."""
    weight = work["case"]["data"]["weight"]
    answers = {one["title"]: one["response"] for one in work["answers"]}
    question = f"Send a parcel of {weight} kg?"
    if weight > 30 and question not in answers:
        return {"path": "ask", "type": "approval", "title": question}
    if not answers.get(question, True):
        return {"path": "outcome", "outcome": "fail", "reason": "too heavy"}
    return {"path": "outcome", "outcome": "complete", "reason": f"sent {weight} kg"}


def keep_alive(work: dict[str, Any], done: threading.Event, stop: threading.Event) -> None:
    """Send heartbeats until the work is done. After a 409 the run belongs to somebody else."""
    while not done.wait(work["lease_seconds"] / 5):
        try:
            if call(f"/runs/{work['run_id']}/heartbeat", attempt=work["attempt"])["stop"]:
                stop.set()
        except urllib.error.HTTPError as error:
            if error.code == 409:
                stop.set()
        except OSError:
            pass  # the next heartbeat may get through


def work_one() -> None:
    """Wait up to half a minute for a case, and work on it."""
    work = call("/agents/by-name/robot/claim", wait_seconds=30, worker="pull.py")
    if work is None:
        return
    run, attempt, done, stop = f"/runs/{work['run_id']}", work["attempt"], threading.Event(), threading.Event()
    threading.Thread(target=keep_alive, args=(work, done, stop), daemon=True).start()
    try:
        call(f"{run}/message", attempt=attempt, text_content=f"Weighing {work['case']['title']}")
        report = ship(work)
    except Exception as error:
        report = {"path": "outcome", "outcome": "fail", "reason": f"{type(error).__name__}: {error}"}
    finally:
        done.set()
    if stop.is_set():
        report = {"path": "outcome", "outcome": "release"}
    call(f"{run}/{report.pop('path')}", attempt=attempt, **report)


if __name__ == "__main__":
    while True:
        work_one()
