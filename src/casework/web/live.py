"""Which topics have changed, as server-sent events. One look at the database serves all pages of this process."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from casework.broker.deltas import Feed
from casework.core.model import RunId
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
MOST_WRITTEN = 20_000
"""Characters that wait for a page which is slow to take them; what is more is left out, for a message will say it all."""


@dataclass(eq=False)
class Follower:
    """An open page."""

    session: Session
    topics: frozenset[Topic]
    writers: frozenset[RunId] = frozenset()
    """Runs whose texts it shows while their models write them."""
    changed: set[Topic] = field(default_factory=set)
    written: dict[RunId, str] = field(default_factory=lambda: defaultdict(str))
    ended: bool = False
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    refreshed: float = float("-inf")
    """So that the first look tells it everything: something may have changed since the page was made."""


class Live:
    """The open pages of this process. While there are none, it does not look."""

    def __init__(self, db: Database, make_feed: Callable[[Callable[[RunId, str], None]], Feed]) -> None:
        """`make_feed` is called once a page follows what a run writes."""
        self._db, self._make_feed = db, make_feed
        self._feed: Feed | None = None
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

    def follow(
        self, session: Session, wanted: frozenset[Topic], writers: frozenset[RunId] = frozenset()
    ) -> AsyncIterator[str]:
        """The events of one page until its session ends. Raises HTTPException 429."""
        if self._of_session[session.hash] >= MOST_PAGES:
            raise HTTPException(429, "Too many pages are open.", {"retry-after": "5"})
        return self._events(Follower(session, wanted, writers))

    async def _events(self, follower: Follower) -> AsyncIterator[str]:
        self._followers.add(follower)
        self._of_session[follower.session.hash] += 1
        self._look()
        self._hear()
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
                written, follower.written = follower.written, defaultdict(str)
                for run_id, text in written.items():
                    yield f"event: written\ndata: {json.dumps([str(run_id), text])}\n\n"
                if changed:
                    yield f"event: changed\ndata: {' '.join(sorted(map(str, changed)))}\n\n"
            if not self.ending():
                yield "event: signed-out\ndata:\n\n"
        finally:
            self._followers.discard(follower)
            self._of_session[follower.session.hash] -= 1
            self._of_session += Counter()
            self._hear()

    def _hear(self) -> None:
        writers = frozenset[RunId]().union(*(one.writers for one in self._followers))
        if writers and self._feed is None:
            loop = asyncio.get_running_loop()
            self._feed = self._make_feed(lambda run_id, text: _call_in(loop, self._tell_written, run_id, text))
        if self._feed:
            self._feed.follow(writers)

    def _tell_written(self, run_id: RunId, text: str) -> None:
        for follower in self._followers:
            if run_id in follower.writers:
                follower.written[run_id] = (follower.written[run_id] + text)[:MOST_WRITTEN]
                follower.woken.set()

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
        # Who came while the database was asked is not known to it.
        self._end({one for one in self._followers if one.session.hash in hashes - valid})

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


def _call_in(loop: asyncio.AbstractEventLoop, act: Callable[[RunId, str], None], run_id: RunId, text: str) -> None:
    # The loop may have ended while the thread that hears was about to tell.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(act, run_id, text)
