"""Triage: routes support tickets, and asks a person about those that it cannot place.

Shows a question with options, a step whose result is kept, and a change to the case.

In one terminal:

    $ export PYTHONPATH=. CASEWORK_AGENT_MODULES=triage && casework up

In another one:

    $ export PYTHONPATH=. CASEWORK_AGENT_MODULES=triage && casework queues create tickets &&
      casework agents create router --python triage:triage &&
      casework consumers set tickets router --concurrency 5 &&
      casework cases add tickets 'Charged twice' --text 'The invoice of May was charged twice' &&
      casework cases add tickets 'Help' --text 'It does not work any more'

The first ticket is routed. The second one waits for you:

    $ casework requests answer
"""

from casework import Complete, Outcome, Run, agent

TEAMS = {
    "billing": ("invoice", "charged", "refund"),
    "accounts": ("password", "login"),
    "shipping": ("parcel", "delivery"),
}


@agent
def triage(run: Run) -> Outcome:
    """Find the team by the words of the ticket; ask if none or several fit."""
    text = f"{run.case.title} {run.case.data}".lower()
    found = run.step("teams", lambda: teams_for(text))  # kept: it is not repeated when the run goes on
    run.say(f"The words fit {', '.join(found) or 'no team'}")
    team = found[0] if len(found) == 1 else run.ask("Which team is it for?", options=list(TEAMS), description=text)
    run.update(data={"text": run.case.data, "team": team})
    return Complete(f"routed to {team}")


def teams_for(text: str) -> list[str]:
    """Stands for what you know about your teams: rules, a search, or a model."""
    return [team for team, words in TEAMS.items() if any(word in text for word in words)]
