"""Style sheets and modules, under addresses that change with their content, so that browsers may keep them."""

import gzip
import hashlib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response

_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_FOR_EVER = "public, max-age=31536000, immutable"
_FOR_NOW = "public, max-age=60"


@dataclass(frozen=True, slots=True)
class _Asset:
    kind: str
    packed: bytes
    plain: bytes


class Assets:
    """All static files, compressed once. One hash stands for all of them, so that modules import each other by relative
    addresses."""

    def __init__(self) -> None:
        self._found = dict(_files(files("casework") / "web" / "static"))
        hashed = hashlib.sha256()
        for name, asset in sorted(self._found.items()):
            hashed.update(f"{name} {len(asset.plain)} ".encode() + asset.plain)
        self.version = hashed.hexdigest()[:12]
        self.modules = sorted(name for name in self._found if name.startswith("js/"))
        self.styles = sorted(name for name in self._found if name.startswith("css/"))

    def url(self, name: str) -> str:
        """The address of a file, without the prefix. Raises KeyError."""
        self._found[name]
        return f"/static/{self.version}/{name}"

    async def serve(self, request: Request) -> Response:
        """Answer with a file. Pages of another version, as in a rolling deployment, get this one's for a while."""
        asset = self._found.get(request.path_params["name"])
        if asset is None:
            return Response("There is no such file.", 404, media_type="text/plain")
        headers = {
            "cache-control": _FOR_EVER if request.path_params["version"] == self.version else _FOR_NOW,
            "vary": "accept-encoding",
            "x-content-type-options": "nosniff",
            "content-type": asset.kind,
        }
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(asset.packed, headers={**headers, "content-encoding": "gzip"})
        return Response(asset.plain, headers=headers)


def _files(folder: Traversable, path: str = "") -> list[tuple[str, _Asset]]:
    found: list[tuple[str, _Asset]] = []
    for entry in folder.iterdir():
        name = f"{path}{entry.name}"
        kind = _TYPES.get(entry.name.rpartition(".")[2])
        if entry.is_dir():
            found += _files(entry, f"{name}/")
        elif kind:
            plain = entry.read_bytes()
            found.append((name, _Asset(kind, gzip.compress(plain, mtime=0), plain)))
    return found
