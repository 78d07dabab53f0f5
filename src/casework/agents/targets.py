"""From "module:function" to the agent: only in modules that the installation allows.

Whoever may create agents must not thereby run code of their choice, so the allow-list is checked before anything is
imported, and what is imported must have been marked with `@agent`.
"""

import importlib
import re
from collections.abc import Sequence
from types import ModuleType

from casework.agents.decorator import Agent
from casework.errors import InvalidInput, TargetNotAllowed

OWN_MODULES = ("casework.demo",)
"""The agents of the demo need no permission."""

PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*$"
_TARGET = re.compile(PATTERN)


def check_allowed(target: str, modules: Sequence[str]) -> None:
    """Raise InvalidInput for what is no target, TargetNotAllowed where its module is not in the allow-list."""
    if not _TARGET.fullmatch(target):
        raise InvalidInput(f"{target!r} is no target: write module:function.")
    module = target.partition(":")[0]
    if not any(module == allowed or module.startswith(f"{allowed}.") for allowed in (*modules, *OWN_MODULES)):
        allowed = ", ".join(modules) or "nothing"
        raise TargetNotAllowed(f"The module {module!r} is not in CASEWORK_AGENT_MODULES, which allows {allowed}.")


def imported(module: str) -> ModuleType:
    """The module of that name. Raises InvalidInput where it cannot be imported."""
    try:
        return importlib.import_module(module)
    except Exception as error:
        raise InvalidInput(f"The module {module!r} cannot be imported: {type(error).__name__}: {error}") from error


def load(target: str, modules: Sequence[str]) -> Agent:
    """The agent that a target names. Raises InvalidInput and TargetNotAllowed."""
    check_allowed(target, modules)
    module_name, _, name = target.partition(":")
    module = imported(module_name)
    found = getattr(module, name, None)
    if found is None:
        raise InvalidInput(f"The module {module_name!r} has no function {name!r}.")
    if not isinstance(found, Agent):
        raise InvalidInput(f"{target} is not an agent: decorate it with @casework.agent.")
    return found
