"""Directories and files that are this user's alone, whatever the umask, and whatever another local user put in their place."""

import errno
import os
import stat
from itertools import takewhile
from pathlib import Path
from typing import IO, Any

from casework.embedded import identity
from casework.errors import ServerNotStarted

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def make_directory(path: Path) -> None:
    """Make the directory, and those above it, unless they are there. Raises ServerNotStarted if it is not ours alone."""
    for above in reversed([*takewhile(lambda folder: not folder.exists(), path.parents)]):
        _make(above, 0o755)
    _make(path, 0o700)
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise ServerNotStarted(f"{path} is a symbolic link: name the directory that it leads to, or remove the link.")
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    _check_owner(path, found)
    if found.st_mode & _OTHERS_WRITE:
        raise ServerNotStarted(f"{path} can be written by other users: run `chmod go-w {path}`.")


def _make(path: Path, mode: int) -> None:
    try:
        path.mkdir(mode)
    except FileExistsError:
        return
    path.chmod(mode)


def _check_owner(path: Path, found: os.stat_result) -> None:
    if found.st_uid not in _ours():
        raise ServerNotStarted(
            f"{path} belongs to user {found.st_uid} and not to this one ({os.geteuid()}): remove it, or run `chown {os.geteuid()} {path}`."
        )


def _ours() -> set[int]:
    """Users who are us: this one, and whom its servers run as."""
    other = identity.substitute()
    return {os.geteuid(), *(other[:1] if other else ())}


def open_file(path: Path, mode: str, **options: Any) -> IO[Any]:
    """Open a file, with mode 0600 if it is new. Links are not followed. Raises ServerNotStarted if it is not ours alone."""
    return open(path, mode, opener=_open, **options)


def _open(name: str, flags: int) -> int:
    path = Path(name)
    # Nothing is cut off before it is known to be ours; and a pipe does not make us wait for its other end.
    kept = flags & ~os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(name, kept, 0o600)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENXIO):
            raise _unusual(path) from None
        raise
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            raise _unusual(path)
        _check_owner(path, found)
        if flags & (os.O_WRONLY | os.O_RDWR) and stat.S_IMODE(found.st_mode) != 0o600:
            os.fchmod(descriptor, 0o600)
        if flags & os.O_TRUNC:
            os.ftruncate(descriptor, 0)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _unusual(path: Path) -> ServerNotStarted:
    return ServerNotStarted(f"{path} is a link, or no plain file: somebody put it there; remove it.")
