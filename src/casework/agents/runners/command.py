"""Running a command: a program that gets the case as JSON and says what it does line by line.

Nothing goes from the run to the program once it has started but signals. So a question ends the program; the next attempt
starts it again, with the answer in the case.
"""

import errno
import os
import signal
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Self

from casework.agents import commands
from casework.agents.failures import result_of
from casework.agents.outcomes import Complete, Fail, Outcome
from casework.agents.results import Crashed, Result, Returned
from casework.agents.run import Run
from casework.agents.runners import protocol
from casework.agents.runners.process import MAX_LINE, Line, Process
from casework.agents.stop import Stop
from casework.core.payload import storable
from casework.errors import InvalidInput, NotFound
from casework.settings import Settings

MAX_MESSAGES = 10_000
"""Messages of an attempt, those of standard error not counted."""

MAX_STDERR = 65_536
"""Characters of standard error that become messages."""

TRACE_LINES = 50
SHOWN_OF_LINE = 500

_PASSED = ("PATH", "HOME", "LANG", "TZ")

CASE_FILE = "CASEWORK_CASE_FILE"
RUN_ID = "CASEWORK_RUN_ID"
ATTEMPT = "CASEWORK_ATTEMPT"

_BUSY = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY)


class CommandRunner:
    """Starts the program, follows its output, and ends it together with all that it has started."""

    target_pattern: ClassVar[str] = commands.PATTERN

    def __init__(self, words: Sequence[str], variables: Sequence[str], grace: float) -> None:
        """`variables` are names of variables that the program gets of this process. `grace` is how many seconds it has to
        end by itself when it is stopped."""
        self._words, self._variables, self._grace = words, variables, grace

    @classmethod
    def check(cls, target: str, settings: Settings) -> None:
        commands.check_allowed(target, settings.commands)

    @classmethod
    def load(cls, target: str, settings: Settings) -> Self:
        words = commands.load(target, settings.commands)
        # The other half of the grace is for telling that the run has stopped, before it is fenced out.
        return cls(words, (*_PASSED, *settings.command_variables), settings.interrupt_grace_seconds / 2)

    def call(self, run: Run, stop: Stop) -> Result:
        try:
            with TemporaryDirectory(prefix="casework-command-", ignore_cleanup_errors=True) as folder:
                return self._run(run, stop, Path(folder))
        except BaseException as error:
            return result_of(error, stop)

    def _run(self, run: Run, stop: Stop, folder: Path) -> Result:
        file = folder / "case.json"
        file.write_text(protocol.case_of(run), encoding="utf-8")
        output = _Output(run)
        try:
            with file.open("rb") as stdin:
                process = Process(self._words, folder, stdin, self._environment(run, file))
        except OSError as error:
            reason = f"The command cannot be started: {self._words[0]}: {error.strerror}"
            return Crashed(reason, None, transient=error.errno in _BUSY)
        try:
            for line in process.lines(stop):
                output.take(line)
            return output.result(process.code)
        except _InvalidLine as error:
            return Crashed(storable(str(error)), output.trace, transient=False)
        finally:
            process.end(self._grace)

    def _environment(self, run: Run, file: Path) -> Mapping[str, str]:
        passed = {name: os.environ[name] for name in self._variables if name in os.environ}
        own = {CASE_FILE: str(file), RUN_ID: str(run.id), ATTEMPT: str(run.attempt)}
        # What a Python program prints is to be seen when it prints it.
        return {"PYTHONUNBUFFERED": "1", **passed, **own}


class _InvalidLine(Exception):
    """A line of the output that is a JSON object and cannot be followed."""


class _Output:
    """Follows what a command writes."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._number = self._messages = self._stderr = 0
        self._outcome: Outcome | None = None
        self._last: deque[str] = deque(maxlen=TRACE_LINES)

    def take(self, line: Line) -> None:
        """Do what the line says. Raises _InvalidLine, and what the run raises."""
        if line.stream == "stderr":
            self._take_stderr(line)
        else:
            self._number += 1
            self._take_stdout(line)

    def _take_stdout(self, line: Line) -> None:
        try:
            if line.is_cut and line.text.lstrip().startswith("{"):
                raise InvalidInput(f"It is longer than {MAX_LINE} bytes.")
            if line.text.strip():
                self._follow(protocol.parse(line.text), line.is_cut)
        except (InvalidInput, NotFound) as error:
            # The line may be a megabyte.
            quoted = line.text if len(line.text) <= SHOWN_OF_LINE else f"{line.text[:SHOWN_OF_LINE]}..."
            raise _InvalidLine(f"Line {self._number} of the command's output, {quoted}: {error}") from error

    def _follow(self, said: protocol.Said, is_cut: bool) -> None:
        if said.is_message:
            self._messages += 1
            if self._messages > MAX_MESSAGES:
                if self._messages == MAX_MESSAGES + 1:
                    self._run.say(f"[{MAX_MESSAGES} messages are the most of an attempt; the others are left out]")
                return
        outcome = said.act(self._run)
        if is_cut:
            self._run.say(f"[the line above is cut: {MAX_LINE} bytes are the most]")
        if outcome is not None and self._outcome is not None:
            raise InvalidInput("It is a second outcome.")
        self._outcome = outcome or self._outcome

    def _take_stderr(self, line: Line) -> None:
        text = storable(line.text).rstrip()
        if not text:
            return
        self._last.append(text[:SHOWN_OF_LINE])
        room = MAX_STDERR - self._stderr
        self._stderr += len(text)
        if room > 0:
            self._run.say(f"stderr: {text[:room]}")
            if self._stderr >= MAX_STDERR:
                self._run.say(f"[{MAX_STDERR} characters of stderr are the most; the rest is left out]")

    @property
    def trace(self) -> str | None:
        return "\n".join(self._last) or None

    def result(self, code: int) -> Result:
        """The result of a command that has ended by itself."""
        if code == 0:
            return Returned(self._outcome or Complete())
        if code == os.EX_TEMPFAIL:
            return Crashed(self._with_stderr("The command asked for another attempt (exit code 75)"), self.trace, True)
        if isinstance(self._outcome, Fail):
            return Returned(self._outcome)
        ended = f"was killed by {_signal(-code)}" if code < 0 else f"ended with exit code {code}"
        return Crashed(self._with_stderr(f"The command {ended}"), self.trace, transient=False)

    def _with_stderr(self, what: str) -> str:
        return f"{what}: {self._last[-1]}" if self._last else f"{what}."


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
