"""Live updates by server-sent events: what they bring, when they stop, and that they come back."""

from contextlib import ExitStack

from playwright.sync_api import expect

from casework.core.model import DEFAULT_TEAM
from casework.service import cases, keys, queues
from patience import wait_for
from ports import free_port
from web.browser import served


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
        expect(page.get_by_role("link", name="Asked while it was away?")).to_be_visible()
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
