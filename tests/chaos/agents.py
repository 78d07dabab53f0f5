"""What the cases of a storm do."""

from casework import Complete, Outcome, Run, agent

SECONDS = (0.02, 0.2)
"""How long a case takes, from and to."""


@agent
def works(run: Run) -> Outcome:
    """Work as long as the case says, in small pieces; some ask a person first."""
    if run.case.data.get("asks"):
        run.ask("May I?")
    run.say("working")
    run.sleep(run.case.data["seconds"])
    return Complete()
