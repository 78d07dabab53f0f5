"""A home is its user's alone: what another local user may write, owns, or has put there, is refused in one line."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from casework.embedded.home import Home
from casework.embedded.private import make_directory, open_file
from casework.errors import ServerNotStarted

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


@pytest.fixture
def any_umask():
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


def listed(home):
    return subprocess.run(
        [sys.executable, "-m", "casework", "queues", "list"],
        env={**os.environ, "CASEWORK_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def refused(home):
    """The line with which a command refuses the home, in which it has started and written nothing."""
    before = sorted(home.iterdir())
    done = listed(home)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert sorted(home.iterdir()) == before
    return line


@pytest.mark.parametrize("mode", [0o770, 0o720, 0o702, 0o777, 0o1777])
def test_a_home_that_others_may_write_is_refused(tmp_path, mode):
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(mode)
    with pytest.raises(ServerNotStarted, match="chmod go-w"):
        Home(home).make()
    assert list(home.iterdir()) == []


def test_a_command_says_in_one_line_what_to_do_about_the_home(tmp_path):
    tmp_path.chmod(0o777)
    assert f"run `chmod go-w {tmp_path}`" in refused(tmp_path)


@only_root
def test_a_home_of_another_user_is_refused(tmp_path):
    os.chown(tmp_path, 12345, 12345)
    assert "belongs to user 12345" in refused(tmp_path)


def test_a_link_in_the_place_of_a_home_is_refused(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "home").symlink_to(tmp_path / "real")
    with pytest.raises(ServerNotStarted, match="symbolic link"):
        Home(tmp_path / "home").make()
    assert list((tmp_path / "real").iterdir()) == []


@pytest.mark.parametrize("name", ["run", "valkey"])
def test_a_link_in_the_place_of_a_directory_is_refused(tmp_path, name):
    # The sockets of a home with a longer name lie elsewhere.
    with TemporaryDirectory(prefix="cw-") as home:
        (Path(home) / name).symlink_to(tmp_path)
        with pytest.raises(ServerNotStarted, match=f"{name} is a symbolic link"):
            Home(Path(home)).make()
    assert list(tmp_path.iterdir()) == []


LINKS = {"soft": os.symlink, "hard": os.link}


@pytest.mark.process
@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
@pytest.mark.parametrize(
    "name", ["supervisor.log", "clients.lock", pytest.param("owner.lock", marks=pytest.mark.quick)]
)
def test_a_file_behind_a_link_keeps_its_content(tmp_path, name, link):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    victim.chmod(0o640)
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    link(victim, home / name)
    done = listed(home)
    assert done.returncode == 1
    assert f"{name} is a link" in done.stderr
    assert (victim.read_text(), victim.stat().st_mode & 0o777) == ("precious", 0o640)


@pytest.mark.parametrize("mode", ["a", "wb", "rb"])
def test_a_pipe_in_the_place_of_a_file_is_refused_at_once(tmp_path, mode):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ServerNotStarted, match="no plain file"):
        open_file(tmp_path / "pipe", mode)


@only_root
def test_a_file_of_another_user_is_refused(tmp_path):
    (tmp_path / "file").write_text("theirs")
    os.chown(tmp_path / "file", 12345, 12345)
    with pytest.raises(ServerNotStarted, match="belongs to user 12345"):
        open_file(tmp_path / "file", "w")
    assert (tmp_path / "file").read_text() == "theirs"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_nobody_else_reads_what_is_made_whatever_the_umask(tmp_path, any_umask, umask):
    os.umask(umask)
    home = tmp_path / "above" / "home"
    make_directory(home)
    open_file(home / "log", "wb").close()
    assert (home.parent.stat().st_mode & 0o777, home.stat().st_mode & 0o777) == (0o755, 0o700)
    assert (home / "log").stat().st_mode & 0o777 == 0o600


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path):
    (tmp_path / "log").touch()
    (tmp_path / "log").chmod(0o666)
    open_file(tmp_path / "log", "ab").close()
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600
