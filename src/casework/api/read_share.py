"""The share of the API's threads and connections that reads may take, so that writes and health never wait behind them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID
from weakref import WeakValueDictionary

from casework.errors import Unavailable


class TooManyReads(Unavailable):
    """Other reads take longer than usual. Try again, or ask for less."""


class ReadShare:
    """Limits concurrent reads, and those of one key to half of that. Others wait for a while, without occupying a
    thread."""

    def __init__(self, most: int, wait_seconds: float) -> None:
        self._wait_seconds = wait_seconds
        self._most_of_key = max(1, most // 2)
        self._all = asyncio.Semaphore(most)
        self._of_key: WeakValueDictionary[UUID, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def slot(self, key_id: UUID) -> AsyncIterator[None]:
        """Hold a slot. Raises TooManyReads."""
        own = self._of_key.get(key_id) or asyncio.Semaphore(self._most_of_key)
        self._of_key[key_id] = own
        try:
            async with asyncio.timeout(self._wait_seconds):
                await own.acquire()
                try:
                    await self._all.acquire()
                except BaseException:
                    own.release()
                    raise
        except TimeoutError:
            raise TooManyReads from None
        try:
            yield
        finally:
            self._all.release()
            own.release()
