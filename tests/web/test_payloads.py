"""CASEWORK_HIDE_PAYLOADS hides data and messages from readers."""

import re

import httpx2
import pytest

from casework.core.roles import Role
from casework.service import web_sessions
from casework.wiring import Casework
from web.browser import served

SECRET = "4711-secret"


@pytest.fixture
def hiding(site):
    settings = site.casework.settings.model_copy(update={"hide_payloads": True})
    with served(Casework(settings, site.casework.db, site.casework.make_publisher)) as (address, _):
        yield address


def pages_of(site, address, role):
    """Every page that the page's own links lead to, for somebody with that role."""
    token = web_sessions.sign_in(site.casework.db, site.token(role))
    with httpx2.Client(base_url=address, cookies={site.cookie: token}, follow_redirects=True) as client:
        left, seen = ["/inbox", "/cases", "/runs", "/queues"], {}
        while left and len(seen) < 60:
            path = left.pop()
            if path in seen or path.startswith(("/static", "/docs", "//")):
                continue
            answer = client.get(path)
            seen[path] = answer.text
            left += [link.split("#")[0].replace("&amp;", "&") for link in links(answer.text)]
        return seen


def links(html):
    return re.findall(r' href="(/[^"]*)"', html)


def ask(site):
    request = {
        "kind": "approval",
        "title": "Pay?",
        "description": f"about {SECRET}",
        "action": {"name": "pay", "arguments": {"to": SECRET}},
    }
    return site.ask(request, says=[f"I found {SECRET}"])


def test_no_page_shows_a_reader_data_or_messages(site, hiding):
    ask(site)
    seen = pages_of(site, hiding, Role.READER)
    assert len(seen) >= 5
    assert [path for path, text in seen.items() if SECRET in text] == []


def test_others_see_them(site, hiding):
    ask(site)
    assert any(SECRET in text for text in pages_of(site, hiding, Role.APPROVER).values())


def test_reader_sees_them_without_the_setting(site):
    ask(site)
    assert any(SECRET in text for text in pages_of(site, site.address, Role.READER).values())
