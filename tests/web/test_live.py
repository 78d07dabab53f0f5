"""Live updates by server-sent events."""

from playwright.sync_api import expect

from casework.core.model import DEFAULT_TEAM
from casework.service import keys


def test_sign_out_elsewhere_ends_an_open_page(site):
    site.queue()
    page = site.signed_in()
    page.goto(site.address + "/inbox")
    expect(page.locator("#live")).to_have_attribute("data-state", "on")
    for key in keys.find(site.casework.db, DEFAULT_TEAM):
        keys.revoke(site.casework.db, DEFAULT_TEAM, key.id)
    expect(page.get_by_label("API key")).to_be_visible()
