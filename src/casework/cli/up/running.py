"""An installation that runs in this terminal: its processes, its agents' modules, and what fails."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from casework.cli import services
from casework.cli.children import Child, Children
from casework.cli.roles import without_root_warning
from casework.cli.up import lines
from casework.cli.up.modules import Findings, Inspection, Watched
from casework.cli.up.screen import Screen
from casework.core.model import AgentKind
from casework.embedded.wakeup import Wakeup
from casework.errors import Unavailable
from casework.log import RELAYED

if TYPE_CHECKING:
    from casework.forkserver.client import ForkServer
    from casework.wiring import Casework

_LOOK_SECONDS = 1.0
_RELOAD_LOOK_SECONDS = 0.5
_STOP_POLL_SECONDS = 0.1

RELOAD_SHUTDOWN_SECONDS = 2.0
"""How long a worker lets its runs go on when its modules have changed: the person who changed them waits for it."""


class Running:
    """Must be used from the main thread. `look` has to be called several times a second."""

    def __init__(
        self,
        casework: "Casework",
        screen: Screen,
        children: Sequence[Child],
        server: "ForkServer | None",
        wakeup: Wakeup,
        *,
        reload: bool,
        verbose: bool,
    ) -> None:
        self._casework, self._screen, self._reload, self._verbose = casework, screen, reload, verbose
        self._wakeup = wakeup
        self._is_json = casework.settings.log_format == "json"
        self.shutdown_seconds = casework.settings.shutdown_seconds
        if reload:
            self.shutdown_seconds = min(self.shutdown_seconds, RELOAD_SHUTDOWN_SECONDS)
        self._children = Children(children, self._tell, server)
        self._workers = [child for child in children if child.name.startswith("worker-")]
        for child in children:
            child.environment |= self._environment()
        self._failures = services.activity.Failures(casework.db, casework.settings, casework.team_id)
        self._inspection: Inspection | None = None
        self._watched = Watched()
        self._has_old_modules = False
        self._next_look = 0.0

    def _environment(self) -> dict[str, str]:
        environment = {**without_root_warning(), "CASEWORK_SHUTDOWN_SECONDS": str(self.shutdown_seconds)}
        return environment if self._is_json else {**environment, "CASEWORK_LOG_FORMAT": RELAYED}

    def start(self) -> None:
        settings = self._casework.settings
        if not (settings.modules or settings.commands):
            self._screen.note("CASEWORK_AGENT_MODULES is not set: no module may hold python agents.")
        self._inspect()
        self._children.start()

    def look(self) -> None:
        """Show what is new, restart what has ended, and the workers if their modules have changed."""
        self._children.watch()
        self._children.check()
        self._look_at_inspection()
        if self._look_is_due():
            self._look_for_failures()
            if self._reload:
                self._look_for_changes()
        self._screen.refresh()

    def _look_is_due(self) -> bool:
        due = monotonic() >= self._next_look
        wait = _RELOAD_LOOK_SECONDS if self._reload else _LOOK_SECONDS
        self._next_look = monotonic() + wait if due else self._next_look
        return due

    def stop(self, interrupts: Sequence[int]) -> None:
        """Stop everything; at another interrupt, kill what is left."""
        enough = 2 if interrupts else 1
        if self._inspection:
            self._inspection.end()
        stopping = threading.Thread(target=self._children.stop, args=(self.shutdown_seconds,))
        stopping.start()
        while stopping.is_alive():
            stopping.join(_STOP_POLL_SECONDS)
            if self._look_is_due():
                self._look_for_failures()
            self._screen.refresh()
            if len(interrupts) >= enough:
                self._children.kill()
                break
        stopping.join()
        self._look_for_failures()

    def _tell(self, name: str, line: str) -> None:
        show = lines.unparsed if self._is_json else lines.relayed
        if (text := show(name, line, verbose=self._verbose)) is not None:
            self._screen.tell(text)
            self._wakeup.wake()

    def _look_for_failures(self) -> None:
        # The processes say it if the database is unavailable.
        with suppress(Unavailable):
            for line in lines.failed(self._failures.new()):
                self._screen.tell(line)

    def _inspect(self) -> None:
        if self._inspection:
            self._inspection.end()
            self._inspection = None
        entries, targets = self._casework.settings.modules, self._targets()
        if entries or targets:
            self._inspection = Inspection(entries, targets, lambda line: self._tell("agents", line))

    def _targets(self) -> dict[str, str]:
        with suppress(Unavailable):
            agents = services.agents.find(self._casework.db, self._casework.team_id)
            return {agent.target: agent.name for agent in agents if agent.target and agent.kind is AgentKind.PYTHON}
        return {}

    def _look_at_inspection(self) -> None:
        if self._inspection is None:
            return
        if said := self._inspection.slow():
            self._screen.note(said, "yellow")
            # It may never end, until the module is mended.
            self._watched.watch(self._inspection.files)
        if (findings := self._inspection.look()) is not None:
            self._inspection = None
            self._watched.watch(findings.files)
            for said in findings.good:
                self._screen.note(said)
            for said in findings.bad:
                self._screen.note(said, "red")
            if self._reload:
                self._adapt_workers(findings)

    def _look_for_changes(self) -> None:
        if changed := self._watched.changed():
            named = ", ".join(sorted({Path(file).name for file in changed}))
            self._screen.note(f"Changed: {named}.")
            self._has_old_modules = True
            self._inspect()

    def _adapt_workers(self, findings: Findings) -> None:
        """A run whose module cannot be imported would use up its attempts, so the workers wait until it can be."""
        if findings.is_broken:
            if not all(child.held for child in self._workers):
                self._screen.note("The workers wait until it is mended.", "yellow")
            for child in self._workers:
                self._children.hold(child, self.shutdown_seconds)
        elif self._has_old_modules or any(child.held for child in self._workers):
            self._screen.note("The workers start again; runs under way go on in the new ones.")
            for child in self._workers:
                self._children.replace(child, self.shutdown_seconds)
            self._has_old_modules = False
