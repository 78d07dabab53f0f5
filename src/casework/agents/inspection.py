"""`python -m casework.agents.inspection ENTRY... TARGET...`: imports the modules of agents and says what it found.

A process of its own, because a module may exit, crash or hang while it is imported. It writes one JSON object a line:
`importing` and a file before each module, then what it holds or what is wrong, and at last all files that are concerned.
"""

import importlib.util
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from casework.agents import targets
from casework.agents.decorator import Agent
from casework.agents.failures import places
from casework.errors import CaseworkError


def main(arguments: Sequence[str]) -> None:
    # Whatever modules print is told apart from what this reports.
    with os.fdopen(os.dup(1), "w", buffering=1) as report:
        os.dup2(2, 1)
        for finding in _findings(arguments):
            report.write(json.dumps(finding) + "\n")
    sys.stdout.flush()
    sys.stderr.flush()
    # A thread that a module started does not keep this process.
    os._exit(0)


def _findings(arguments: Sequence[str]) -> Iterable[dict[str, Any]]:
    entries = [one for one in arguments if ":" not in one]
    errors: list[BaseException] = []
    broken: set[str] = set()
    for entry in entries:
        yield {"importing": entry, "files": _file_of(entry)}
        try:
            targets.imported(entry)
        except CaseworkError as error:
            yield {"module": entry, "problem": str(error), "missing": _is_missing(entry, error.__cause__)}
            errors += [error.__cause__] if error.__cause__ else []
            broken.add(entry.removesuffix(".*"))
    for target in arguments:
        if ":" in target and target.partition(":")[0] not in broken:
            yield {"importing": target.partition(":")[0]}
            try:
                targets.load(target, entries)
            except CaseworkError as error:
                yield {"target": target, "problem": str(error)}
                errors += [error.__cause__] if error.__cause__ else []
    for entry in entries:
        if entry.removesuffix(".*") not in broken:
            yield {"module": entry, "agents": _agents(entry)}
    yield {"files": _files(errors)}


def _file_of(entry: str) -> list[str]:
    """The file of a module, or of the package that holds it, before it is imported."""
    try:
        spec = importlib.util.find_spec(entry.partition(".")[0])
    except (ImportError, ValueError):
        return []
    return [spec.origin] if spec and spec.has_location and spec.origin else []


def _is_missing(entry: str, error: BaseException | None) -> bool:
    """Whether no folder holds the module itself, and not something that it imports."""
    return isinstance(error, ModuleNotFoundError) and f"{entry}.".startswith(f"{error.name}.")


def _agents(entry: str) -> list[str]:
    """The agents in the modules of an entry, as far as they are imported."""
    modules = [(name, module) for name, module in sorted(sys.modules.items()) if targets.allows(entry, name)]
    return [f"{name}:{attribute}" for name, module in modules for attribute, found in _vars(module) if _is_agent(found)]


def _vars(module: ModuleType) -> list[tuple[str, Any]]:
    return list(vars(module).items())


def _is_agent(found: Any) -> bool:
    return issubclass(type(found), Agent)


def _files(errors: Sequence[BaseException]) -> list[str]:
    """The files of the agents' own code, and those that an error names; if a module is missing, also where it would be."""
    loaded = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    named = {file for error in errors for file, _ in places(error)}
    found = [path for file in loaded | named if isinstance(file, str) and (path := Path(file).absolute()).is_file()]
    if any(isinstance(error, ModuleNotFoundError) for error in errors):
        found += [path for folder in sys.path if (path := Path(folder).absolute()).is_dir()]
    return sorted(str(path) for path in found if targets.is_own(path))


if __name__ == "__main__":
    main(sys.argv[1:])
