"""The admin key of an installation for its own user, and links that sign in on the web page."""

import os
from typing import TYPE_CHECKING
from uuid import UUID

from casework.cli import services
from casework.cli.person import user
from casework.core.roles import Role
from casework.errors import Unauthorized

if TYPE_CHECKING:
    from casework.store.keys import StoredKey
    from casework.wiring import Casework


def admin_key(casework: "Casework") -> str:
    """Create an admin key once, in the home directory, readable only by its owner. Returns a line that says where it
    is."""
    return _admin_key(casework)[1]


def sign_in_link(casework: "Casework", url: str, person: str | None = None, key_id: UUID | None = None) -> str:
    """A link that signs in on the web page at `url` with that key, or else with the admin key. Raises NotFound."""
    key_id = key_id or _admin_key(casework)[0].id
    token = services.web_sessions.make_link(casework.db, casework.team_id, key_id, person or user())
    return f"{url.rstrip('/')}/sign-in/{token}"


def _admin_key(casework: "Casework") -> tuple["StoredKey", str]:
    path = casework.settings.home_path / "api-key"
    try:
        return services.keys.authenticate(casework.db, path.read_text().strip()), f"API key: in {path}"
    except (OSError, Unauthorized):
        key, token = services.keys.create(casework.db, casework.team_id, "made at the first start", Role.ADMIN)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(token + "\n")
    except OSError:
        return key, f"API key (not shown again): {token}"
    return key, f"API key: in {path}"
