"""The admin key of an installation for its own user."""

import os
from typing import TYPE_CHECKING

from casework.cli import services
from casework.core.roles import Role
from casework.errors import Unauthorized

if TYPE_CHECKING:
    from casework.wiring import Casework


def admin_key(casework: "Casework") -> str:
    """Create an admin key once, in the home directory, readable only by its owner. Returns a line that says where it
    is."""
    path = casework.settings.home_path / "api-key"
    try:
        services.keys.authenticate(casework.db, path.read_text().strip())
    except (OSError, Unauthorized):
        _, token = services.keys.create(casework.db, casework.team_id, "made at the first start", Role.ADMIN)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(token + "\n")
        except OSError:
            return f"API key (not shown again): {token}"
    return f"API key: in {path}"
