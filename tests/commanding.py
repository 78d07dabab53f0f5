"""Command agents on the real engine: a script, a case for it, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from casework.agents.stop import Stop
from casework.core.effects import RunMessage
from casework.core.model import AgentKind, Case, CaseId
from casework.service import agents, cases, requests, runs
from casework.store.database import Database
from factories import SETTINGS, TEAM, Watching, a_consumer, a_queue, claim, some_cases, the_case, work, work_all

ALLOWING = SETTINGS.model_copy(update={"agent_commands": "sh *, bash *, python3 *", "interrupt_grace_seconds": 2.0})


class Stopping(Watching):
    """Heartbeats of which the test has the run's stop, once it has begun."""

    def begin(self, message: RunMessage, stop: Stop) -> None:
        self.stop = stop


@dataclass
class Commanded:
    """A case whose agent is a command."""

    db: Database
    case_id: CaseId

    def work(self, watch: Watching | None = None, settings: Any = ALLOWING) -> str:
        """Execute one attempt."""
        (message,) = claim(self.db)
        return work(self.db, message, settings, watch)

    def work_all(self) -> list[str]:
        return work_all(self.db, ALLOWING)

    @property
    def case(self) -> Case:
        return the_case(self.db, self.case_id)

    @property
    def reason(self) -> str:
        return cases.get(self.db, TEAM, self.case_id)[1][-1].reason

    @property
    def run(self) -> Any:
        return runs.find(self.db, TEAM, case_id=self.case_id, limit=1)[0]

    @property
    def messages(self) -> list[tuple[str, Any]]:
        return [(one.type, one.content) for one in runs.list_messages(self.db, TEAM, self.run.id, limit=20_000)]

    @property
    def said(self) -> list[str]:
        return [content["text"] for type, content in self.messages if type == "text"]

    def answer(self, value: str | bool) -> None:
        """Answer the only open request."""
        (request,) = requests.find(self.db, TEAM)
        respond: Callable[..., Any] = requests.decide if isinstance(value, bool) else requests.answer
        respond(self.db, TEAM, request.id, value)


def commanded(db: Database, script: Path, text: str, *, data: Any = "", program: str = "sh") -> Commanded:
    """A case for a script that is written there."""
    script.write_text(text)
    queue = a_queue(db)
    agent = agents.create(db, ALLOWING, TEAM, "command", kind=AgentKind.COMMAND, target=f"{program} {script}")
    a_consumer(db, queue, agent)
    (case_id,) = some_cases(db, queue, data=data)
    return Commanded(db, case_id)


def is_alive(pid: str) -> bool:
    """Whether there is such a process; a zombie is none."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def tell(folder: Path) -> str:
    """Shell: `pids` of the present folder is there to be read, in this one."""
    return f"mv pids {folder}/pids; touch {folder}/begun"
