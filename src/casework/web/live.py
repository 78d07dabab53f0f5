"""Which topics have changed, as server-sent events. One look at the database serves all pages of this process."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from time import monotonic

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from casework.errors import Unavailable
from casework.service import topics, web_sessions
from casework.service.topics import Topic
from casework.service.web_sessions import Session
from casework.store.database import Database

LOOK_SECONDS = 0.4
"""Between two looks, while few pages are open; the more there are, the rarer, so that what they ask for takes a small share of the
process: 20 pages that looked every 1.6 s took 9% of the API's throughput."""
FEW_PAGES = 5
LOOK_SECONDS_PER_PAGE = 0.2
"""For each page beyond the few."""
REFRESH_SECONDS = 20.0
"""A topic counts as changed after this time at the latest: some changes, such as deletions, have no version."""
CHECK_SECONDS = 2.0
"""How soon a page learns that its session has ended."""
BEAT_SECONDS = 15.0
"""A comment keeps proxies from closing a silent stream."""
MOST_PAGES = 40
"""Open streams of one session."""
MOST_TOPICS = 50
"""Of one stream, which all pages of a browser share."""


@dataclass(eq=False)
class Follower:
    """An open page."""

    session: Session
    topics: frozenset[Topic]
    changed: set[Topic] = field(default_factory=set)
    ended: bool = False
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    refreshed: float = float("-inf")
    """So that the first look tells it everything: something may have changed since the page was made."""


class Live:
    """The open pages of this process. While there are none, it does not look."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._followers: set[Follower] = set()
        self._of_session: Counter[str] = Counter()
        self._looking: asyncio.Task[None] | None = None
        self.ending: Callable[[], bool] = lambda: False
        """Whether the server is about to stop; the streams then end, and the pages come back."""

    @property
    def pages(self) -> int:
        """How many pages are open."""
        return len(self._followers)

    @property
    def is_looking(self) -> bool:
        """Whether it looks at the database every now and then."""
        return self._looking is not None and not self._looking.done()

    def follow(self, session: Session, wanted: frozenset[Topic]) -> AsyncIterator[str]:
        """The events of one page until its session ends. Raises HTTPException 429."""
        if self._of_session[session.hash] >= MOST_PAGES:
            raise HTTPException(429, "Too many pages are open.", {"retry-after": "5"})
        return self._events(Follower(session, wanted))

    async def _events(self, follower: Follower) -> AsyncIterator[str]:
        self._followers.add(follower)
        self._of_session[follower.session.hash] += 1
        self._look()
        try:
            yield "retry: 1000\nevent: open\ndata:\n\n"
            while not follower.ended:
                try:
                    async with asyncio.timeout(BEAT_SECONDS):
                        await follower.woken.wait()
                except TimeoutError:
                    yield ":\n\n"
                    continue
                follower.woken.clear()
                changed, follower.changed = follower.changed, set()
                if changed:
                    yield f"event: changed\ndata: {' '.join(sorted(map(str, changed)))}\n\n"
            if not self.ending():
                yield "event: signed-out\ndata:\n\n"
        finally:
            self._followers.discard(follower)
            self._of_session[follower.session.hash] -= 1
            self._of_session += Counter()

    def _look(self) -> None:
        if not self.is_looking:
            self._looking = asyncio.ensure_future(self._look_while_followed())

    async def _look_while_followed(self) -> None:
        # The last two looks. Numbers of history are drawn before their transactions commit, so that a change is told again
        # at the next look, when it is there to be seen.
        before: dict[Topic, str] = {}
        last: dict[Topic, str] = {}
        checked = monotonic()
        while self._followers:
            more = max(0, len(self._followers) - FEW_PAGES)
            await asyncio.sleep(LOOK_SECONDS + LOOK_SECONDS_PER_PAGE * more)
            if self.ending():
                self._end(self._followers)
                continue
            try:
                wanted = frozenset[Topic]().union(*(one.topics for one in self._followers))
                now = await run_in_threadpool(topics.versions, self._db, wanted)
                if monotonic() - checked >= CHECK_SECONDS:
                    await self._check_sessions()
                    checked = monotonic()
            except Unavailable:
                # The pages keep what they show; the next look tells them what they missed.
                continue
            self._tell({topic for topic in now if before.get(topic, now[topic]) != now[topic]})
            before, last = {**now, **last}, now

    async def _check_sessions(self) -> None:
        hashes = {one.session.hash for one in self._followers}
        valid = await run_in_threadpool(web_sessions.still_valid, self._db, hashes)
        self._end({one for one in self._followers if one.session.hash not in valid})

    def _end(self, followers: set[Follower]) -> None:
        for follower in followers:
            follower.ended = True
            follower.woken.set()

    def _tell(self, changed: set[Topic]) -> None:
        now = monotonic()
        for follower in self._followers:
            news = follower.topics & changed
            if now - follower.refreshed > REFRESH_SECONDS:
                news, follower.refreshed = follower.topics, now
            if news:
                follower.changed |= news
                follower.woken.set()
