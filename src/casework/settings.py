"""All settings, read from CASEWORK_* environment variables, validated when they are read."""

import re
import shlex
from collections.abc import Iterable
from datetime import timedelta
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from casework.errors import InvalidSettings
from casework.wording import problem

_SCHEMES = {
    "database_url": ("postgresql://", "postgres://", "postgresql+psycopg://"),
    "redis_url": ("redis://", "rediss://", "unix://", "redis+socket://"),
}

_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*(\.\*)?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _check_port(url: str) -> None:
    try:
        _ = urlsplit(url).port
    except ValueError:
        # urllib's message quotes a part of the password if that holds a character that is not escaped.
        raise ValueError(
            "its host or port cannot be read; ports are numbers up to 65535, and in a password @ is written %40, : %3A, / %2F, "
            "# %23, ? %3F"
        ) from None


@cache
def _entries(listed: str) -> tuple[str, ...]:
    return tuple(entry.strip() for entry in listed.split(",") if entry.strip())


class Settings(BaseSettings):
    """One frozen object; every field's description is also its row in `casework guide settings`."""

    model_config = SettingsConfigDict(env_prefix="CASEWORK_", frozen=True, extra="ignore", hide_input_in_errors=True)

    database_url: str = Field(
        "",
        repr=False,
        description="PostgreSQL, as `postgresql://user:password@host/name`. Unset: casework starts its own.",
    )
    redis_url: str = Field(
        "", repr=False, description="Redis or Valkey, as `redis://host:6379/0`. Unset: casework starts its own."
    )
    redis_prefix: str = Field(
        "",
        max_length=100,
        pattern=r"^[A-Za-z0-9_.:{}-]*$",
        description="Prefix of casework's keys and channels in Redis. Unset: `casework:` and the installation's id.",
    )
    home: Path = Field(Path("~/.casework"), description="Directory in which casework's own servers keep their data.")
    agent_modules: str = Field(
        "",
        description="Modules that may hold python agents, comma-separated; `package.*` allows a package with everything in it.",
    )
    agent_commands: str = Field(
        "",
        description="Commands that may be agents, comma-separated, each exactly as it is run; `program *` allows a program with any arguments.",
    )
    agent_command_env: str = Field(
        "",
        description="Variables that commands get from the worker's environment besides PATH, HOME, LANG and TZ, comma-separated.",
    )
    tick_seconds: float = Field(1.0, gt=0, le=60, description="The beat's period: the longest wait if a nudge is lost.")
    lease_seconds: float = Field(30.0, ge=1, le=3600, description="How long a run without a heartbeat counts as alive.")
    heartbeat_seconds: float = Field(
        0.0, ge=0, description="How often a worker sends a heartbeat for its runs. 0: a fifth of the lease."
    )
    interrupt_grace_seconds: float = Field(
        10.0, ge=0, le=3600, description="How long a run that was asked to stop may take to do so."
    )
    shutdown_seconds: float = Field(
        30.0, ge=0, le=3600, description="How long a stopping worker lets its runs go on before it releases them."
    )
    resend_seconds: float = Field(
        15.0,
        gt=0,
        le=3600,
        description="How long to wait for a run to start before its message is sent again; doubles each time.",
    )
    claim_ahead_seconds: float = Field(
        0.1,
        ge=0,
        le=60,
        description="How much work each slot of a worker may have ahead: short runs are claimed up to this expected total, longer ones only when a slot is free.",
    )
    bundle_seconds: float = Field(
        0.1,
        ge=0,
        le=10,
        description="Short runs share a message, up to this expected total duration. 0: each run has its own message.",
    )
    max_attempts: int = Field(
        5, ge=1, le=100, description="Failed attempts until a case fails; an agent may have its own number."
    )
    retry_base_seconds: float = Field(
        1.0,
        ge=0,
        le=60,
        description="The first wait between attempts; each wait is four times the one before, up to 60 s.",
    )
    retry_after_seconds: float = Field(
        3600.0,
        ge=0,
        le=604_800,
        description="The total time that a run may wait because services ask it to (`Retry-After`) before such waits count as failed attempts.",
    )
    run_timeout_seconds: float = Field(
        0.0,
        ge=0,
        le=2_592_000,
        description="How long an attempt may take; an agent may have its own limit. 0: no limit.",
    )
    worker_concurrency: int = Field(4, ge=1, le=1000, description="Runs that one worker executes at once.")
    worker_group: str = Field(
        "",
        max_length=50,
        description="The group that workers serve: agents that name it, and no others. Unset: agents without a group.",
    )
    rate_limit_per_minute: int = Field(
        3000, ge=0, le=1_000_000, description="API requests a minute for each key. 0: no limit."
    )
    api_connections: int = Field(
        2000,
        ge=10,
        le=100_000,
        description="Open connections of one API process. At the limit, an idle one is closed to admit a new one.",
    )
    api_waiting_claims: int = Field(
        100, ge=1, le=10_000, description="The most claims of one key that may wait for a case in one API process."
    )
    api_read_seconds: float = Field(
        5.0, ge=0, le=3600, description="How long one statement of an API read may take in the database. 0: no limit."
    )
    mcp_lease_seconds: float = Field(
        600.0,
        ge=1,
        le=86_400,
        description="How long a run that was claimed over MCP counts as alive after a call of its agent, which may think for minutes.",
    )
    hide_payloads: bool = Field(
        False, description="Whether the web page hides data of cases and messages of agents from keys of role reader."
    )
    cors_origins: str = Field("", description="Comma-separated origins whose pages may call the API.")
    team: str = Field("default", min_length=1, max_length=100, description="The team that the command line works for.")
    log_level: str = Field(
        "INFO", pattern="^(?i:debug|info|warning|error)$", description="debug, info, warning or error."
    )
    log_format: str = Field(
        "text",
        pattern="^(text|json|relayed)$",
        description="text for people, json for programs; `casework up` reads its processes' lines as relayed.",
    )

    @field_validator("home", mode="before")
    @classmethod
    def _empty_is_unset(cls, home: object) -> object:
        return cls.model_fields["home"].default if home == "" else home

    @field_validator("database_url", "redis_url")
    @classmethod
    def _readable_url(cls, url: str, info: ValidationInfo) -> str:
        schemes = _SCHEMES[str(info.field_name)]
        if url and not url.startswith(schemes):
            raise ValueError(f"it must begin with {' or '.join(schemes)}")
        # Reading the port raises ValueError if it is not a number. The database's URL is checked by libpq.
        if info.field_name == "redis_url":
            _check_port(url)
        return url

    @field_validator("agent_modules")
    @classmethod
    def _modules_or_packages(cls, modules: str) -> str:
        for entry in _entries(modules):
            if not _MODULE.fullmatch(entry):
                raise ValueError(f"{entry!r} is neither a module, as billing.agents, nor a package, as billing.*")
        return modules

    @field_validator("agent_commands")
    @classmethod
    def _commands_with_a_program(cls, commands: str) -> str:
        for entry in _entries(commands):
            try:
                program = shlex.split(entry)[0]
            except (ValueError, IndexError):
                raise ValueError(f"{entry!r} is not a command: a quote is not closed, or nothing is in it") from None
            if program == "*":
                raise ValueError(f"{entry!r} would allow every program: name the program, as in 'python *'")
        return commands

    @field_validator("agent_command_env")
    @classmethod
    def _variables_of_others(cls, names: str) -> str:
        for name in _entries(names):
            if not _VARIABLE.fullmatch(name):
                raise ValueError(f"{name!r} is not the name of a variable")
            if name.upper().startswith("CASEWORK_"):
                raise ValueError(f"{name!r} is casework's own, and may hold a secret: commands do not get it")
        return names

    @model_validator(mode="after")
    def _heartbeats_fit_the_lease(self) -> Self:
        if self.heartbeat_seconds > self.lease_seconds / 2:
            raise ValueError("CASEWORK_HEARTBEAT_SECONDS must be at most half of CASEWORK_LEASE_SECONDS")
        return self

    @property
    def heartbeat(self) -> float:
        """Seconds between heartbeats."""
        return self.heartbeat_seconds or self.lease_seconds / 5

    @property
    def worker_silence(self) -> timedelta:
        """A worker that was not heard of for that long begins nothing: it is taken for dead."""
        return timedelta(seconds=1.5 * self.heartbeat)

    @property
    def grace(self) -> timedelta:
        """How long a run that was asked to stop may take to do so."""
        return timedelta(seconds=self.interrupt_grace_seconds)

    @property
    def modules(self) -> tuple[str, ...]:
        """The allow-list of modules that may hold python agents."""
        return _entries(self.agent_modules)

    @property
    def commands(self) -> tuple[str, ...]:
        """The allow-list of commands that may be agents."""
        return _entries(self.agent_commands)

    @property
    def command_variables(self) -> tuple[str, ...]:
        """Names of variables that commands get besides the usual ones."""
        return _entries(self.agent_command_env)

    @property
    def home_path(self) -> Path:
        """The absolute home directory."""
        return self.home.expanduser().absolute()


def read_settings() -> Settings:
    """Settings from the environment.

    Raises InvalidSettings, which names the variable and what is wrong with it.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        wrong = problem(first)
        if not first["loc"]:
            raise InvalidSettings(wrong) from None
        name = f"CASEWORK_{str(first['loc'][0]).upper()}"
        # A URL may hold a password.
        got = "" if name.endswith("_URL") else f" (got {first['input']!r})"
        raise InvalidSettings(f"{name}: {wrong}{got}") from None


def misspelled(variables: Iterable[str]) -> str | None:
    """Names variables that look like misspelled settings; None if there are none. Any other CASEWORK_ variable is
    ignored, because it may belong to somebody else."""
    names = [f"CASEWORK_{name.upper()}" for name in Settings.model_fields]
    likely = {
        name: get_close_matches(name, names, 1, 0.85)
        for name in variables
        if name.startswith("CASEWORK_") and name not in names
    }
    problems = [
        f"unknown setting {name} (did you mean {meant}?)" for name, found in sorted(likely.items()) for meant in found
    ]
    return "; ".join(problems) or None
