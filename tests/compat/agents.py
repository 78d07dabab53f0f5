"""The agent of the path."""

from casework import Complete, Outcome, Run, agent

WORK_SECONDS = 0.05


@agent
def clerk(run: Run) -> Outcome:
    """Work a moment; ask if the case says so."""
    answer = run.ask("Go on?", options=("yes", "no")) if run.case.data["kind"] == "asks" else "unasked"
    run.sleep(WORK_SECONDS)
    return Complete(f"done, {answer}")
