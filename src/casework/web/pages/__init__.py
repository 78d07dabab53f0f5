"""The pages: one file for each, with its template."""

from casework.web.pages import (
    agents,
    bulk,
    case,
    cases,
    doctor,
    inbox,
    keys,
    processes,
    queues,
    runs,
    sign_in,
    start,
)

PAGES = (
    start.pages,
    sign_in.pages,
    inbox.pages,
    queues.pages,
    cases.pages,
    bulk.pages,
    case.pages,
    runs.pages,
    agents.pages,
    processes.pages,
    keys.pages,
    doctor.pages,
)
"""Every page that asks for a session. The first that matches a path is taken."""
