"""Streams of open pages, without a browser."""

import asyncio

from casework.core.model import DEFAULT_TEAM
from casework.core.roles import Role
from casework.service import keys, web_sessions
from casework.service.topics import Topic
from casework.web.live import Live
from patience import PATIENCE
from seams import Seam, Through

TOPICS = frozenset({Topic("queues", DEFAULT_TEAM)})


class Checked(Seam):
    """A transaction that says when it is about to look at sessions."""

    def __init__(self, tx, tell):
        super().__init__(tx)
        self._tell = tell

    def sql(self, statement, parameters=None):
        if "web_sessions" in statement:
            self._tell()
        return self.tx.sql(statement, parameters)


def test_page_that_opens_while_sessions_are_checked_goes_on(committed):
    sessions = []
    for name in ("first", "second"):
        _, key = keys.create(committed, DEFAULT_TEAM, name, Role.READER)
        sessions.append(web_sessions.find(committed, web_sessions.sign_in(committed, key)))
    checks, heard, tasks = [], [], []

    async def read(live, session):
        async for event in live.follow(session, TOPICS):
            heard.append(event)

    async def open_page(live, session):
        tasks.append(asyncio.create_task(read(live, session)))
        while live.pages < len(tasks):
            await asyncio.sleep(0)

    async def story():
        loop = asyncio.get_running_loop()

        def check():
            checks.append(live.pages)
            if len(checks) == 1:
                asyncio.run_coroutine_threadsafe(open_page(live, sessions[1]), loop).result(PATIENCE)

        live = Live(Through(committed, lambda tx: Checked(tx, check)), lambda tell: None)
        await open_page(live, sessions[0])
        async with asyncio.timeout(PATIENCE):
            while len(checks) < 2:
                await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()

    asyncio.run(story())
    assert checks == [1, 2]
    assert not [event for event in heard if "signed-out" in event]
