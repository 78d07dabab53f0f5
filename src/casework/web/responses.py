"""Headers and cookies of every page."""

import re
from typing import Any
from urllib.parse import quote, unquote, urlencode

from starlette.requests import Request
from starlette.responses import Response

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "vary": "cookie",
}

_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+")
_LONGEST_NOTICE = 1000
_PERSISTENT = 365 * 86_400

NOTICE = "casework_notice"
THEME = "casework_theme"


def prefix_of(request: Request) -> str:
    """The path under which a proxy serves this API: uvicorn's root path, or the header X-Forwarded-Prefix."""
    root: str = request.scope.get("root_path", "")
    given = (root or request.headers.get("x-forwarded-prefix", "")).rstrip("/")
    return given if _PREFIX.fullmatch(given) else ""


def path_of(request: Request) -> str:
    """The path of a request without the prefix."""
    root: str = request.scope.get("root_path", "")
    return request.url.path.removeprefix(root)


def address(request: Request, path: str, **query: Any) -> str:
    """The address of a path of casework, with the prefix; parameters that are None or empty are left out."""
    given = {key: value for key, value in query.items() if value not in (None, "", [])}
    return f"{prefix_of(request)}{path}{'?' if given else ''}{urlencode(given, doseq=True)}"


def local(path: str) -> str:
    """The path if it is one of this site, else the start page."""
    safe = path.startswith("/") and not path.startswith("//") and not re.search(r"[\\\x00-\x20]", path)
    return path if safe else "/"


def set_cookie(response: Response, request: Request, name: str, value: str, *, seconds: int) -> None:
    """Set a cookie that no script can read; only over TLS if this request came over TLS. 0 seconds: delete it."""
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path=prefix_of(request) or "/",
        httponly=True,
        secure=request.url.scheme == "https",
        samesite="lax",
    )


def put_notice(response: Response, request: Request, text: str) -> None:
    """Show the text on the next page."""
    set_cookie(response, request, NOTICE, quote(text[:_LONGEST_NOTICE]), seconds=60)


def notice_of(request: Request) -> str:
    """What the last act said; empty if it said nothing."""
    return unquote(request.cookies.get(NOTICE, ""))[:_LONGEST_NOTICE]


def theme_of(request: Request) -> str:
    """light, dark, or empty for that of the system."""
    theme = request.cookies.get(THEME, "")
    return theme if theme in ("light", "dark") else ""


def put_theme(response: Response, request: Request, theme: str) -> None:
    """Remember the theme in this browser."""
    known = theme if theme in ("light", "dark") else ""
    set_cookie(response, request, THEME, known, seconds=_PERSISTENT if known else 0)
