"""From "module:function" to the agent: only in modules that the installation allows.

The right to create agents must not include running arbitrary code. So the allow-list is checked before anything is
imported, and what is imported must be marked with `@agent`. An entry of the list is a module, or a package with
everything in it: `billing.agents` or `billing.*`.
"""

import importlib
import re
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TypeVar, cast

from casework.agents.decorator import Agent
from casework.agents.failures import describe, shown
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
    if not any(_allows(entry, module) for entry in (*modules, *OWN_MODULES)):
        allowed = ", ".join(modules) or "nothing"
        raise TargetNotAllowed(
            f"The module {module!r} is not in CASEWORK_AGENT_MODULES, which allows {allowed}: "
            "add its name, or package.* for a package with everything in it."
        )


def _allows(entry: str, module: str) -> bool:
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
    except SystemExit as error:
        what = f"it called exit({shown(error.code)})"
    except BaseException as error:
        what = describe(error)
    raise InvalidInput(storable(f"{problem}: {' '.join(what.split())}"))
