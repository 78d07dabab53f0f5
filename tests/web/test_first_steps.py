"""What somebody sees first: the sign-in page, and an empty installation."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect


def test_sign_in_page_has_no_violation(site):
    page = site.context().new_page()
    page.goto(site.address + "/sign-in")
    assert not Axe().run(page).response["violations"]


@pytest.mark.parametrize("scheme", [pytest.param("light", marks=pytest.mark.quick), "dark"])
def test_first_steps_have_no_violation(site, scheme):
    page = site.signed_in(color_scheme=scheme, viewport={"width": 360, "height": 740})
    page.goto(site.address + "/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing here yet")
    assert not Axe().run(page).response["violations"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_theme_is_kept_and_needs_no_script(site):
    page = site.signed_in(java_script_enabled=False)
    page.goto(site.address + "/inbox")
    page.get_by_role("button", name="Theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto(site.address + "/inbox")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
