"""Signing in and out."""

import pytest
from playwright.sync_api import expect

from casework.core.roles import Role


@pytest.mark.quick
def test_signs_in_with_a_key_and_out(site):
    page = site.context().new_page()
    page.goto(site.address + "/inbox")
    expect(page).to_have_url(site.address + "/sign-in?next=%2Finbox")
    page.get_by_label("API key").fill(site.token(Role.OPERATOR))
    page.get_by_label("Your name").fill("Ada")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(site.address + "/inbox")
    page.get_by_role("button", name="Ada").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("API key")).to_be_visible()
    page.goto(site.address + "/inbox")
    expect(page.get_by_label("API key")).to_be_visible()
