"""Who the servers run as. PostgreSQL refuses root, so root's servers become somebody else.

In a user namespace of its own, a process that is root outside is nobody inside: it still reaches root's files, no
user is made and no directory is opened to others. Where namespaces are refused (chroot, Docker's default profile), the
servers change to an unprivileged user, and the home is given to it.
"""

import ctypes
import os
import pwd
import signal
import stat
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

from casework.errors import ServerNotStarted

_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1
_NOBODY = 65534


def _enter_namespace() -> None:
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWUSER):
        raise PermissionError(ctypes.get_errno(), "user namespaces are refused")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{_NOBODY} 0 1")
    Path("/proc/self/gid_map").write_text(f"{_NOBODY} 0 1")


def _namespaces_work() -> bool:
    child = os.fork()
    if child == 0:
        try:
            _enter_namespace()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


@cache
def substitute() -> tuple[int, int] | None:
    """The uid and gid that servers change to; None where they stay who they are, or use a namespace."""
    if os.geteuid() != 0 or (sys.platform.startswith("linux") and _namespaces_work()):
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise ServerNotStarted("PostgreSQL does not run as root, and there is no user 'postgres' or 'nobody' to run it as.")


def reachable(path: Path) -> bool:
    """Whether whom PostgreSQL runs as can come to that path: root's own folders are closed to others."""
    other = substitute()
    return other is None or all(_may_pass(folder, other[0]) for folder in path.parents)


def _may_pass(folder: Path, uid: int) -> bool:
    found = folder.stat()
    return bool(found.st_mode & (stat.S_IXUSR if found.st_uid == uid else stat.S_IXOTH))


def give(path: Path) -> None:
    """Give a directory to whom the servers run as."""
    other = substitute()
    if other:
        os.chown(path, *other, follow_symlinks=False)


def die_with_parent(death_signal: signal.Signals) -> Callable[[], None]:
    """What a child does between fork and exec, so that it does not outlive the thread that made it."""
    libc = ctypes.CDLL(None)

    def prepare() -> None:
        if sys.platform.startswith("linux"):
            libc.prctl(_PR_SET_PDEATHSIG, death_signal)

    return prepare


def before_exec(death_signal: signal.Signals) -> Callable[[], None]:
    """As `die_with_parent`, for PostgreSQL: become who it runs as, first, because that clears the death signal."""
    other = substitute()
    namespace = os.geteuid() == 0 and other is None
    tie = die_with_parent(death_signal)

    def prepare() -> None:
        if other:
            os.setgroups([])
            os.setgid(other[1])
            os.setuid(other[0])
        elif namespace:
            _enter_namespace()
        tie()

    return prepare
