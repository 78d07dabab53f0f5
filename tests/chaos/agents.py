"""What the cases of a storm do."""

from casework import Complete, Outcome, Run, agent


@agent
def works(run: Run) -> Outcome:
    """Work as long as the case says, in small pieces; some ask a person first."""
    if run.case.data.get("asks"):
        run.ask("May I?")
    run.say("working")
    run.sleep(run.case.data["seconds"])
    return Complete()
