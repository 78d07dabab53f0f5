"""What does the flows: one driver blocks, the other awaits. httpx2 is imported here, when a client is made."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from importlib import import_module
from time import sleep
from typing import TYPE_CHECKING, Any, TypeVar

from casework import __version__
from casework.client.errors import NoAnswer
from casework.client.exchange import Answer, Flow, Pause, Request
from casework.core.names import check_name
from casework.errors import InvalidInput

if TYPE_CHECKING:
    import httpx2

T = TypeVar("T")

Reader = Callable[[str | None], Flow[tuple[list[T], str | None]]]
"""Reads the page at a cursor: its items, and the next page's cursor."""

MISSING = "casework.client needs httpx2: install it with `pip install 'casework[client]'`."

IDLE_SECONDS = 2.0
"""How long an idle connection is kept. The API closes it after 5 seconds, and a request that is sent at that moment fails."""


def httpx() -> Any:
    """The module. Raises ImportError that says how to install it."""
    try:
        return import_module("httpx2")
    except ImportError as error:
        raise ImportError(MISSING) from error


def _as_header(person: str) -> bytes:
    """A name as a header carries it: UTF-8. Raises InvalidInput."""
    check_name("person's name", person)
    return person.encode()


class _Connection:
    """The address and the key, and how requests look to httpx."""

    def __init__(self, url: str, key: str, person: str | None) -> None:
        if not url.startswith(("http://", "https://")):
            raise InvalidInput(f"The API's address begins with http:// or https:// (got {url!r}).")
        _check_header("key", key)
        self._base = f"{url.rstrip('/').removesuffix('/v1')}/v1"
        self._headers: dict[str, str | bytes] = {
            "authorization": f"Bearer {key}",
            "user-agent": f"casework-client/{__version__}",
        }
        if person is not None:
            self._headers["casework-person"] = _as_header(person)

    def _as_http(self, http: Any, request: Request) -> Any:
        headers, content = dict(self._headers), request.content()
        if content is not None:
            headers["content-type"] = "application/json"
        if request.idempotency_key is not None:
            _check_header("idempotency key", request.idempotency_key)
            headers["idempotency-key"] = request.idempotency_key
        limit = {} if request.timeout is None else {"timeout": request.timeout}
        return http.build_request(
            request.method, self._base + request.path, content=content, params=request.query, headers=headers, **limit
        )

    def _no_answer(self, error: Exception) -> NoAnswer:
        lib = httpx()
        unsent = isinstance(error, (lib.ConnectError, lib.ConnectTimeout, lib.PoolTimeout))
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return NoAnswer(f"The API at {self._base} did not answer: {what}", sent=not unsent)


def _options(timeout: float) -> dict[str, Any]:
    limits = httpx().Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=IDLE_SECONDS)
    return {"timeout": timeout, "limits": limits}


def _check_header(what: str, value: str) -> None:
    if not value or not (value.isascii() and value.isprintable()):
        raise InvalidInput(f"The {what} is empty, or has characters that do not fit into a header: use plain ASCII.")


def _answer(response: Any) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, response.content, headers)


class Driver(_Connection):
    """Does what flows ask for, and blocks meanwhile. Any thread may use it."""

    def __init__(
        self, url: str, key: str, timeout: float, http: "httpx2.Client | None", person: str | None = None
    ) -> None:
        super().__init__(url, key, person)
        self._owned = http is None
        self._http: httpx2.Client = http or httpx().Client(**_options(timeout))

    def perform(self, flow: Flow[T]) -> T:
        """Do everything that the flow asks for, and return its result."""
        proceed: Callable[[], Request | Pause] = partial(next, flow)
        while True:
            try:
                wanted = proceed()
            except StopIteration as end:
                result: T = end.value
                return result
            try:
                proceed = partial(flow.send, self._do(wanted))
            except NoAnswer as error:
                proceed = partial(flow.throw, error)

    def iterate(self, read: Reader[T]) -> Iterator[T]:
        """The items of all pages; a page is read when its first item is needed."""
        cursor: str | None = None
        while True:
            items, cursor = self.perform(read(cursor))
            yield from items
            if cursor is None:
                return

    def _do(self, wanted: Request | Pause) -> Answer | None:
        if isinstance(wanted, Pause):
            sleep(wanted.seconds)
            return None
        request = self._as_http(self._http, wanted)
        try:
            return _answer(self._http.send(request))
        except httpx().RequestError as error:
            raise self._no_answer(error) from error

    def close(self) -> None:
        """Close the connections, unless they are of an httpx client that was given."""
        if self._owned:
            self._http.close()


class AsyncDriver(_Connection):
    """Does what flows ask for, and awaits it."""

    def __init__(
        self, url: str, key: str, timeout: float, http: "httpx2.AsyncClient | None", person: str | None = None
    ) -> None:
        super().__init__(url, key, person)
        self._owned = http is None
        self._http: httpx2.AsyncClient = http or httpx().AsyncClient(**_options(timeout))

    async def perform(self, flow: Flow[T]) -> T:
        """Do everything that the flow asks for, and return its result."""
        proceed: Callable[[], Request | Pause] = partial(next, flow)
        while True:
            try:
                wanted = proceed()
            except StopIteration as end:
                result: T = end.value
                return result
            try:
                proceed = partial(flow.send, await self._do(wanted))
            except NoAnswer as error:
                proceed = partial(flow.throw, error)

    async def iterate(self, read: Reader[T]) -> AsyncIterator[T]:
        """The items of all pages; a page is read when its first item is needed."""
        cursor: str | None = None
        while True:
            items, cursor = await self.perform(read(cursor))
            for item in items:
                yield item
            if cursor is None:
                return

    async def _do(self, wanted: Request | Pause) -> Answer | None:
        if isinstance(wanted, Pause):
            await asyncio.sleep(wanted.seconds)
            return None
        request = self._as_http(self._http, wanted)
        try:
            return _answer(await self._http.send(request))
        except httpx().RequestError as error:
            raise self._no_answer(error) from error

    async def close(self) -> None:
        """Close the connections, unless they are of an httpx client that was given."""
        if self._owned:
            await self._http.aclose()
