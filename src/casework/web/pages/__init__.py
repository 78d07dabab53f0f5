"""The pages: one file for each, with its template."""

from casework.web.pages import inbox, sign_in, start

PAGES = (start.pages, sign_in.pages, inbox.pages)
"""Every page that asks for a session. The first that matches a path is taken."""
