"""Every error that casework raises on purpose, on one screen.

    CaseworkError
    ├── InvalidInput            what was given cannot be used as it is
    │   ├── TargetNotAllowed    a target outside of the allow-lists
    │   └── InvalidSettings     a setting has a value that cannot work
    ├── Unauthorized            no key, or none that is valid
    ├── Forbidden               the key's role may not do this
    ├── NotFound                no such queue, agent, case, run, request or label
    ├── Conflict                the present state does not permit it
    │   ├── NameTaken
    │   ├── TransitionRefused   the lifecycle has no such arrow
    │   ├── AlreadyAnswered     a human request that is answered or cancelled
    │   └── NotAConsumer        the agent is not connected to the queue
    ├── RunLost                 the run no longer holds its case: nothing was written
    ├── Unavailable             a server that casework needs is unavailable
    │   ├── DatabaseUnavailable
    │   │   └── StatementTimeout    a statement took longer than it may
    │   ├── BrokerUnavailable
    │   ├── SchemaOutdated      the database is not at this version's schema
    │   └── ServerNotStarted    an embedded server could not be started
    └── Transient               raised by agents: try this run again later

The docstring of a class is its default message. The API and the command line each have a table that turns errors into
HTTP statuses or exit codes.
"""


class CaseworkError(Exception):
    """Something went wrong in casework."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class InvalidInput(CaseworkError):
    """The input cannot be used as it is."""


class TargetNotAllowed(InvalidInput):
    """The target is in a module that CASEWORK_AGENT_MODULES does not allow, or a command that CASEWORK_AGENT_COMMANDS does not."""


class InvalidSettings(InvalidInput):
    """A setting has a value that cannot work."""


class Unauthorized(CaseworkError):
    """A valid API key is needed, as `Authorization: Bearer KEY`."""


class Forbidden(CaseworkError):
    """The key's role may not do this."""


class NotFound(CaseworkError):
    """The resource does not exist."""

    def __init__(self, kind: str, name: object, hint: str = "") -> None:
        super().__init__(f"There is no {kind} {str(name)!r}.{hint}")
        self.kind = kind
        self.name = name


class Conflict(CaseworkError):
    """The present state does not permit this."""


class NameTaken(Conflict):
    """The name is taken."""


class TransitionRefused(Conflict):
    """The case's status does not permit this."""


class AlreadyAnswered(Conflict):
    """The request has been answered or cancelled."""


class NotAConsumer(Conflict):
    """The agent is not a consumer of this queue."""


class RunLost(CaseworkError):
    """The run no longer holds its case; nothing was written."""


class Unavailable(CaseworkError):
    """A server that casework needs is unavailable."""


class DatabaseUnavailable(Unavailable):
    """The database does not answer."""


class StatementTimeout(DatabaseUnavailable):
    """The database took too long to answer. Ask for less: a narrower search, fewer filters."""


class BrokerUnavailable(Unavailable):
    """The broker does not answer."""


class SchemaOutdated(Unavailable):
    """The database is not at the schema of this version: run `casework db upgrade`, or the newer casework that made it."""


class ServerNotStarted(Unavailable):
    """An embedded server could not be started."""


class Transient(CaseworkError):
    """The agent met a temporary error; the run is tried again after a wait. `retry_after` is the minimum wait in
    seconds, if the service that refused the agent named one.
    """

    def __init__(self, message: str | None = None, *, retry_after: float | None = None) -> None:
        super().__init__(message or "The agent met a temporary error; the run is tried again after a wait.")
        self.retry_after = retry_after
