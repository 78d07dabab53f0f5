"""From a command line to the program and its arguments: only what the installation allows.

The right to create agents must not include running arbitrary programs. An entry of the allow-list is one command line,
which is compared word by word, or `program *`, which allows that program with any arguments. No shell is involved.
"""

import re
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

from casework.core.payload import check_text
from casework.errors import InvalidInput, TargetNotAllowed

PATTERN = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"
_TARGET = re.compile(PATTERN)

MAX_LENGTH = 300


def check_allowed(command: str, allowed: Sequence[str]) -> list[str]:
    """The words of the command. Raises InvalidInput for what cannot be one, TargetNotAllowed if no entry allows it."""
    words = _words(command)
    if not any(_allows(shlex.split(entry), words) for entry in allowed):
        raise TargetNotAllowed(
            f"The command {command!r} is not in CASEWORK_AGENT_COMMANDS, which allows {', '.join(allowed) or 'nothing'}: "
            f"add it as it is, or '{words[0]} *' for that program with any arguments."
        )
    return words


def load(command: str, allowed: Sequence[str]) -> list[str]:
    """The program and its arguments as they can be run from any folder: what is a file in the present one is given by
    its absolute path. Raises InvalidInput, also if there is no such program, and TargetNotAllowed.
    """
    program, *arguments = check_allowed(command, allowed)
    found = shutil.which(program)
    if found is None:
        raise InvalidInput(f"There is no program {program!r} that can be executed here: is it in PATH?")
    return [str(Path(found).absolute()), *map(_as_path, arguments)]


def _words(command: str) -> list[str]:
    check_text("command", command, most=MAX_LENGTH)
    if not _TARGET.fullmatch(command):
        raise InvalidInput("The command is empty, or contains line breaks or control characters.")
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InvalidInput(f"The command {command!r} cannot be split into words: {error}.") from error
    if not (words and words[0]):
        raise InvalidInput(f"The command {command!r} names no program.")
    return words


def _allows(entry: Sequence[str], words: Sequence[str]) -> bool:
    return list(entry) == list(words) or list(entry) == [words[0], "*"]


def _as_path(word: str) -> str:
    path = Path(word)
    return str(path.absolute()) if _is_file(path) else word


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        # Longer than a path may be: a text.
        return False
