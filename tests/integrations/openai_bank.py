"""An agent of the OpenAI Agents SDK with one tool that needs an approval."""

from agents import (
    Agent,
    function_tool,
)

from casework.integrations.openai_agents import durable
from casework.testing import run_agent
from integrations.openai_script import Script, call, says


class Bank:
    """An agent that pays with approval and looks without, and what it has done."""

    def __init__(self, *answers, **of_agent):
        self.done = []
        self.model = Script(*answers)
        self.agent = Agent(name="clerk", model=self.model, tools=[self.pay(), self.look()], **of_agent)

    def pay(self, **options):
        @function_tool(**{"needs_approval": True, **options})
        async def pay(to: str, amount: int) -> str:
            """Pay somebody."""
            self.done.append(f"pay {to} {amount}")
            return f"paid {amount} to {to}"

        return pay

    def look(self):
        @function_tool
        async def look(what: str) -> str:
            self.done.append(f"look {what}")
            return f"saw {what}"

        return look

    def run(self, answers=None, agent=None, **options):
        return run_agent(durable(agent or self.agent, input=lambda case: "Do it.", **options), answers=answers)


TWO = [call("look", "l1", what="rates"), call("pay", "p1", to="Ann", amount=5), call("pay", "p2", to="Bob", amount=7)]


def by_call(**given):
    """Answers by the id of the call, with which the key of its request begins."""
    return lambda request: given.get(request.key.split()[0])


ONE = ([call("pay", "p1", to="Ann", amount=5)], says("done"))
