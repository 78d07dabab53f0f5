"""From "module:function" to the agent: only in modules that the installation allows.

The right to create agents must not include running arbitrary code. So the allow-list is checked before anything is
imported, and what is imported must be marked with `@agent`. An entry of the list is a module, or a package with
everything in it: `billing.agents` or `billing.*`.
"""

import importlib
import re
import sys
import sysconfig
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TypeVar, cast

from casework.agents.decorator import Agent
from casework.agents.failures import describe, places, shown
from casework.core.payload import storable
from casework.errors import InvalidInput, TargetNotAllowed

T = TypeVar("T")

OWN_MODULES = ("casework.demo.*",)
"""The agents of the demo need no permission."""

PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*$"
_TARGET = re.compile(PATTERN)


def check_allowed(target: str, modules: Sequence[str]) -> None:
    """Raise InvalidInput for what is not a target, TargetNotAllowed if its module is not in the allow-list."""
    if not _TARGET.fullmatch(target):
        raise InvalidInput(
            f"The target {target!r} does not name a function: write module:function, as in billing.agents:clerk."
        )
    module = target.partition(":")[0]
    if "__main__" in module.split("."):
        raise TargetNotAllowed(f"The module {module!r} is a program, which would run when it is imported.")
    if not any(allows(entry, module) for entry in (*modules, *OWN_MODULES)):
        allowed = ", ".join(modules) or "nothing"
        raise TargetNotAllowed(
            f"The module {module!r} is not in CASEWORK_AGENT_MODULES, which allows {allowed}: "
            "add its name, or package.* for a package with everything in it."
        )


def allows(entry: str, module: str) -> bool:
    """Whether an entry of the allow-list allows a module."""
    package = entry.removesuffix(".*")
    return module == package or (package != entry and module.startswith(f"{package}."))


def imported(entry: str) -> ModuleType:
    """The module, or the package, that an entry of the allow-list names. Raises InvalidInput if it cannot be imported."""
    module = entry.removesuffix(".*")
    return _whatever_it_raises(f"The module {module!r} cannot be imported", lambda: importlib.import_module(module))


def load(target: str, modules: Sequence[str]) -> Agent:
    """The agent that a target names. Raises InvalidInput and TargetNotAllowed."""
    check_allowed(target, modules)
    module_name, _, name = target.partition(":")
    module = imported(module_name)
    found = _whatever_it_raises(f"{target} cannot be read", lambda: getattr(module, name, None))
    if found is None:
        raise InvalidInput(f"The module {module_name!r} has no function {name!r}.")
    if not issubclass(type(found), Agent):
        raise InvalidInput(f"{target} is not an agent: decorate it with @casework.agent.")
    return cast(Agent, found)


def _whatever_it_raises(problem: str, look: Callable[[], T]) -> T:
    """The result of `look`, or InvalidInput with one line that says why there is none. A module that calls exit() must
    not end this process."""
    try:
        return look()
    except BaseException as error:
        raised = error
    what = f"it called exit({shown(raised.code)})" if isinstance(raised, SystemExit) else describe(raised)
    line = " ".join(f"{problem}: {what}{_place(raised)}".split())
    raise InvalidInput(storable(line)) from raised


def _place(error: BaseException) -> str:
    """Where it was raised, for a person: in the agent's own code if it passed through any."""
    if isinstance(error, SyntaxError):
        # Its text says it.
        return ""
    own = [(path, line) for file, line in places(error) if is_own(path := Path(file))]
    return f" ({_as_imported(own[-1][0])}, line {own[-1][1]})" if own else ""


def is_own(path: Path) -> bool:
    """Whether it is of the agents' own code, and neither of Python, nor installed, nor of casework."""
    installed = not {"site-packages", "dist-packages"}.isdisjoint(path.parts)
    return path.is_absolute() and not installed and not any(map(path.is_relative_to, _not_own()))


@cache
def _not_own() -> tuple[str | Path, ...]:
    return Path(__file__).parent.parent, sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")


def _as_imported(file: Path) -> Path:
    """The path below the folder that it was imported from: other folders of the machine concern nobody."""
    roots = [root for path in sys.path if file.is_relative_to(root := Path(path).absolute())]
    return file.relative_to(max(roots, key=lambda root: len(root.parts))) if roots else file
