"""Live updates by server-sent events: what they bring, when they stop, and that they come back."""

from contextlib import ExitStack

import httpx
from playwright.sync_api import expect

from casework.core.effects import Effects
from casework.core.model import DEFAULT_TEAM
from casework.core.roles import Role
from casework.service import cases, keys, queues, web_sessions
from patience import wait_for
from ports import free_port
from web.browser import served
from web.working import a_queue, add, start


def live(page):
    expect(page.locator("#live")).to_have_attribute("data-state", "on")
    return page


def opened(site, path="/inbox", **options):
    page = site.signed_in(**options)
    page.goto(site.address + path)
    return live(page)


def asked_for(page):
    """The paths that the page asks for from now on."""
    found = []
    page.on("request", lambda request: found.append(request.url))
    return found


def test_revoked_key_ends_an_open_page(site):
    page = opened(site)
    for key in keys.find(site.casework.db, DEFAULT_TEAM):
        keys.revoke(site.casework.db, DEFAULT_TEAM, key.id)
    expect(page.get_by_label("API key")).to_be_visible()


def test_page_comes_back_by_itself_after_a_restart_of_the_api(site):
    port = free_port()
    with ExitStack() as first:
        first.enter_context(served(site.casework, port))
        site.address = f"http://127.0.0.1:{port}"
        page = opened(site)
    expect(page.locator("#live")).to_have_attribute("data-state", "off")
    site.ask({"title": "Asked while it was away?"})
    with served(site.casework, port):
        expect(page.get_by_role("link", name="Asked while it was away?")).to_be_visible(timeout=20_000)
        live(page)


def test_server_with_open_pages_stops_at_once(site):
    with ExitStack() as stack:
        address, app = stack.enter_context(served(site.casework))
        site.address = address
        opened(site)
        wait_for(lambda: app.state.web.live.pages == 1, "the page's stream")
    assert app.state.web.live.pages == 0


def test_paused_page_asks_for_nothing_until_it_goes_on(site):
    page = opened(site)
    page.locator("#live").click()
    expect(page.locator("#live")).to_have_text("Paused")
    expect(page.locator("#live")).to_have_attribute("aria-pressed", "false")
    asked = asked_for(page)
    site.ask({"title": "New?"})
    other = opened(site)
    expect(other.get_by_role("link", name="New?")).to_be_visible()
    assert asked == []
    page.locator("#live").click()
    expect(page.get_by_role("link", name="New?")).to_be_visible()


def test_hidden_page_asks_for_nothing_until_it_is_shown(site):
    page = opened(site)
    hide = "Object.defineProperty(document, 'hidden', {value: %s, configurable: true}); document.dispatchEvent(new Event('visibilitychange'))"
    page.evaluate(hide % "true")
    asked = asked_for(page)
    site.ask({"title": "New?"})
    other = opened(site)
    expect(other.get_by_role("link", name="New?")).to_be_visible()
    assert asked == []
    page.evaluate(hide % "false")
    expect(page.get_by_role("link", name="New?")).to_be_visible()


def test_nobody_looks_at_the_database_while_no_page_is_open(site, installation):
    with served(installation) as (address, app):
        site.address = address
        page = opened(site)
        wait_for(lambda: app.state.web.live.is_looking, "a look")
        page.close()
        wait_for(lambda: not app.state.web.live.is_looking, "the end of looking")


def test_unfolded_parts_stay_so(site):
    case = site.ask({"title": "Why?"}, says=["found"])
    page = opened(site)
    page.get_by_role("link", name="Why?").click()
    live(page)
    page.locator(".story summary").click()
    site.add_message(case, "one more thing")
    expect(page.get_by_text("one more thing")).to_be_visible()
    expect(page.locator(".story details")).to_have_attribute("open", "")


def test_queue_that_is_made_ends_the_first_steps(site):
    page = opened(site, "/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing here yet")
    queues.create(site.casework.db, DEFAULT_TEAM, "first")
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Nothing here yet")


def test_case_that_is_deleted_takes_its_open_page_along(site):
    case = site.ask({"title": "Why?"})
    page = opened(site)
    page.get_by_role("link", name="Why?").click()
    live(page)
    site.casework.perform(cases.delete_one(site.casework.db, site.casework.settings, DEFAULT_TEAM, case))
    expect(page.get_by_role("heading", level=1)).to_have_text("Not found")


def test_pages_of_one_browser_share_a_stream(site):
    with served(site.casework) as (address, app):
        site.address = address
        page = opened(site)
        others = [page.context.new_page() for _ in range(8)]
        for other in others:
            other.goto(f"{address}/inbox")
            live(other)
        assert app.state.web.live.pages <= 2
        site.ask({"title": "New?"})
        for each in (page, *others):
            expect(each.get_by_role("link", name="New?")).to_be_visible()


def streamed(site, run_id, text):
    """Let the run write something once somebody hears it."""
    publisher = site.casework.publisher
    channel = publisher.names.deltas(run_id)
    wait_for(lambda: publisher.redis.pubsub_numsub(channel)[0][1], "somebody who hears the run")
    site.casework.effects(Effects(deltas=((run_id, text),)))


def test_shows_what_a_model_writes_until_its_message_comes(site):
    queue = a_queue(site)
    (case_id,) = add(site, queue, "one")
    (fence,) = start(site)
    pages = [opened(site, f"/runs/{fence.run_id}"), opened(site, f"/cases/{case_id}", role=Role.READER)]
    for text in ("Dear <b>", "Ada,\n"):
        streamed(site, fence.run_id, text)
    for page in pages:
        expect(page.locator(".writing")).to_have_text("Dear <b>Ada,\n")
    site.add_message(case_id, "Dear Ada, all is well.")
    for page in pages:
        expect(page.locator(".story")).to_contain_text("Dear Ada, all is well.")
        expect(page.locator(".writing")).to_be_empty()
    streamed(site, fence.run_id, "And")
    expect(pages[0].locator(".writing")).to_have_text("And")


def test_what_a_model_writes_is_heard_only_while_somebody_looks(site):
    queue = a_queue(site)
    add(site, queue, "one")
    (fence,) = start(site)
    page = opened(site, f"/runs/{fence.run_id}")
    publisher = site.casework.publisher
    channel = publisher.names.deltas(fence.run_id)
    wait_for(lambda: publisher.redis.pubsub_numsub(channel)[0][1], "somebody who hears the run")
    page.goto(site.address + "/inbox")
    wait_for(lambda: not publisher.redis.pubsub_numsub(channel)[0][1], "nobody who hears the run")


def test_a_case_page_that_was_open_before_its_run_shows_what_is_written(site):
    queue = a_queue(site)
    (case_id,) = add(site, queue, "one")
    page = opened(site, f"/cases/{case_id}")
    (fence,) = start(site)
    streamed(site, fence.run_id, "Once")
    expect(page.locator(".writing")).to_have_text("Once")


def test_another_team_hears_nothing_of_a_run(site):
    queue = a_queue(site)
    add(site, queue, "one")
    (fence,) = start(site)
    db = site.casework.db
    token = web_sessions.sign_in(db, keys.create(db, keys.team(db, "others", create=True), "key", Role.ADMIN)[1], "Eve")
    url = f"{site.address}/events?topics=writes:{fence.run_id}"
    with httpx.stream("GET", url, headers={"cookie": f"{site.cookie}={token}"}, timeout=30) as stream:
        assert stream.status_code == 200
        next(stream.iter_lines())
        publisher = site.casework.publisher
        assert publisher.redis.pubsub_numsub(publisher.names.deltas(fence.run_id))[0][1] == 0
