"""Lists of cases."""

import pytest
from playwright.sync_api import expect

from casework.core.model import LabelRef
from casework.core.roles import Role
from web.working import a_queue, add, fail

HOSTILE = "<img src=x onerror=alert(1)> \u202e{{ 7*7 }} </script> " + "x" * 300


def titles(page):
    return page.locator(".case-row .what > a").all_inner_texts()


@pytest.mark.quick
def test_filters_are_the_address(site):
    queue = a_queue(site)
    urgent = add(site, queue, "printer on fire", "window", labels=(LabelRef("urgent"),))
    add(site, queue, "printer")
    fail(site, queue, urgent, "no spare part")
    page = site.signed_in()
    page.goto(site.address + "/cases")
    page.get_by_role("link", name="failed").click()
    page.get_by_label("Words in title and data").fill("printer")
    page.get_by_label("Label", exact=True).fill("urgent")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator(".case-row")).to_have_count(1)
    expect(page.locator(".case-row mark")).to_have_text("printer")
    expect(page.locator(".reason")).to_have_text("no spare part")
    address = page.url
    page.reload()
    assert titles(page) == ["printer on fire"]
    page.get_by_role("link", name="remove the search").click()
    expect(page.locator(".case-row")).to_have_count(2)
    page.go_back()
    assert page.url == address
    expect(page.locator(".case-row")).to_have_count(1)


def test_shows_the_same_list_as_command_and_call(site):
    a_queue(site)
    page = site.signed_in(java_script_enabled=False)
    page.goto(site.address + "/cases?queue=invoices&status=failed&label=region%3Deu")
    page.locator("summary").click()
    commands = page.locator(".call code").all_inner_texts()
    assert commands[0] == "casework cases list invoices --status=failed --label=region=eu"
    assert commands[1].startswith(f"curl {site.address}/v1/queues/by-name/invoices/cases/search --json")


def test_a_page_stays_the_same_while_cases_come_in(site):
    queue = a_queue(site)
    add(site, queue, *(f"old {number:02}" for number in range(60)))
    page = site.signed_in()
    page.goto(site.address + "/cases?queue=invoices")
    expect(page.locator("#live")).to_have_attribute("data-state", "on")
    before = titles(page)
    assert before[0] == "old 59" and len(before) == 50
    add(site, queue, "new 1", "new 2")
    expect(page.get_by_role("link", name="2 newer")).to_be_visible()
    assert titles(page) == before
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_role("link", name="old 09")).to_be_visible()
    assert titles(page) == [f"old {number:02}" for number in reversed(range(10))]
    page.go_back()
    expect(page.get_by_role("link", name="old 59")).to_be_visible()
    page.get_by_role("link", name="2 newer").click()
    expect(page.get_by_role("link", name="new 2")).to_be_visible()


def test_a_status_that_changes_shows_in_its_row(site):
    queue = a_queue(site)
    ids = add(site, queue, "one")
    page = site.signed_in(Role.READER)
    page.goto(site.address + "/cases")
    expect(page.locator("#live")).to_have_attribute("data-state", "on")
    fail(site, queue, ids, "out of toner")
    expect(page.locator(".case-row .badge")).to_have_text("failed")
    expect(page.locator(".case-row")).to_contain_text("out of toner")


def test_keys_move_search_and_select(site):
    queue = a_queue(site)
    add(site, queue, "one", "two", "three")
    page = site.signed_in()
    page.goto(site.address + "/cases")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="two", exact=True)).to_be_focused()
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.get_by_role("checkbox", name="Select two")).to_be_checked()
    expect(page.locator("[data-selected]")).to_have_text("Selected: 1")
    page.keyboard.press("/")
    expect(page.get_by_label("Words in title and data")).to_be_focused()
    page.keyboard.type("j?x")
    expect(page.get_by_label("Words in title and data")).to_have_value("j?x")
    page.get_by_label("Words in title and data").blur()
    page.keyboard.press("?")
    expect(page.locator("#keys-help")).to_be_visible()


@pytest.mark.quick
def test_a_selection_survives_live_updates(site):
    queue = a_queue(site)
    ids = add(site, queue, "one", "two", "three")
    page = site.signed_in()
    page.goto(site.address + "/cases")
    expect(page.locator("#live")).to_have_attribute("data-state", "on")
    page.get_by_role("checkbox", name="Select one").click()
    page.get_by_role("checkbox", name="Select three").click(modifiers=["Shift"])
    expect(page.locator("[data-selected]")).to_have_text("Selected: 3")
    fail(site, queue, ids[1:2])
    expect(page.locator(".case-row .badge.failed")).to_have_count(1)
    expect(page.locator("input[name=case]:checked")).to_have_count(3)


def test_a_board_shows_the_newest_of_each_status(site):
    queue = a_queue(site)
    ids = add(site, queue, "one", "two", HOSTILE)
    fail(site, queue, ids[:1], "broken")
    page = site.signed_in(Role.READER)
    page.goto(site.address + "/cases/board?queue=invoices")
    failed = page.get_by_role("region", name="failed 1")
    expect(failed.get_by_role("link", name="one")).to_be_visible()
    expect(failed).to_contain_text("broken")
    expect(page.get_by_role("region", name="pending 2").get_by_role("listitem")).to_have_count(2)


@pytest.mark.parametrize("path", [pytest.param("/cases", marks=pytest.mark.quick), "/cases/board", "/cases?search=img"])
def test_hostile_titles_and_data_are_only_text(site, path):
    queue = a_queue(site, name="<i>&\"'")
    ids = add(site, queue, HOSTILE, data={HOSTILE: HOSTILE}, labels=(LabelRef("<u>x</u>", "'\""),))
    fail(site, queue, ids, HOSTILE)
    page = site.signed_in(viewport={"width": 360, "height": 780})
    alerts = []
    page.on("dialog", lambda dialog: alerts.append(dialog.message))
    page.goto(site.address + path)
    expect(page.get_by_text("<img src=x onerror=alert(1)>").first).to_be_visible()
    assert page.locator("main img, main i, main u").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert alerts == []


def test_adds_a_case(site):
    a_queue(site)
    page = site.signed_in(Role.OPERATOR)
    page.goto(site.address + "/cases")
    page.get_by_role("button", name="New case").click()
    page.get_by_role("textbox", name="Title").fill("A letter")
    page.get_by_label("Data: JSON, or text").fill('{"pages": 3}')
    page.get_by_label("Labels, separated by commas").fill("urgent, region=eu")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("A letter")
    expect(page.locator("#data")).to_contain_text("pages3")
    expect(page.locator(".label")).to_have_count(2)


def test_an_empty_queue_says_what_to_do(site):
    a_queue(site, name="it's new")
    page = site.signed_in()
    page.goto(site.address + "/cases")
    expect(page.locator(".empty code")).to_have_text("""casework cases add 'it'"'"'s new' TITLE""")


def test_a_label_in_the_list_filters_by_it(site):
    queue = a_queue(site)
    add(site, queue, "printer", labels=(LabelRef("eu", "region"),))
    add(site, queue, "window", labels=(LabelRef("us", "region"),))
    page = site.signed_in()
    page.goto(site.address + "/cases?status=pending")
    page.locator(".case-row .labels a", has_text="eu").click()
    assert titles(page) == ["printer"]
    assert "status=pending" in page.url and "label=region%3Deu" in page.url
