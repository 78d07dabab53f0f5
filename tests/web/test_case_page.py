"""The page of a case, and what may be done to it."""

from dataclasses import replace

import pytest
from playwright.sync_api import expect

from casework.core.lifecycle import CaseStatus
from casework.core.model import DEFAULT_TEAM, LabelRef, NewCase, Priority
from casework.core.roles import Role
from casework.service import cases, queues
from web.browser import served
from web.working import a_queue, add, fail, start


def found(site, id):
    return cases.get(site.casework.db, DEFAULT_TEAM, id)[0]


@pytest.fixture
def opened(site):
    """A case of a queue, and its page."""
    queue = a_queue(site)
    (id,) = add(site, queue, "A letter", data={"pages": 3}, labels=(LabelRef("urgent"),))

    def make(role=Role.ADMIN, **options):
        page = site.signed_in(role, **options)
        page.goto(f"{site.address}/cases/{id}")
        return page

    return make, id, queue


def confirm(page, button, name=None):
    page.get_by_role("button", name=button, exact=True).click()
    page.locator("dialog:popover-open").get_by_role("button", name=name or button, exact=True).click()


def test_shows_why_data_way_and_history(site):
    id = site.ask({"title": "Pay it?", "kind": "approval"}, title="Invoice 7", says=["I look it up"])
    page = site.signed_in(Role.READER)
    page.goto(f"{site.address}/cases/{id}")
    expect(page.locator(".why")).to_contain_text("waited for a person since")
    expect(page.locator(".why time")).to_have_count(1)
    expect(page.get_by_role("img", name="needs input for")).to_be_visible()
    expect(page.locator("#said")).to_contain_text("I look it up")
    expect(page.locator("#history")).to_contain_text("Pay it?")
    expect(page.get_by_role("heading", name="It waits for a person")).to_be_visible()
    expect(page.get_by_role("link", name="Answer")).to_have_count(0)


def test_follows_what_its_run_says(site):
    id = site.ask({"title": "Q?"}, title="Invoice 7")
    page = site.signed_in()
    page.goto(f"{site.address}/cases/{id}")
    expect(page.locator("#live")).to_have_attribute("data-state", "on")
    site.add_message(id, "news from the agent")
    expect(page.locator("#said")).to_contain_text("news from the agent")
    fail(site, a_queue_of(site, id), [id], "enough")
    expect(page.locator(".why")).to_contain_text("failed")
    expect(page.get_by_role("heading", name="It waits for a person")).to_have_count(0)


def a_queue_of(site, id):
    return queues.get(site.casework.db, DEFAULT_TEAM, found(site, id).queue_id)


def test_retries_with_steps_and_says_who_did_it(site, opened):
    make, id, queue = opened
    fail(site, queue, [id])
    page = make(Role.OPERATOR)
    page.get_by_role("button", name="Retry", exact=True).click()
    page.get_by_label("Keep the steps").check()
    page.locator("dialog:popover-open").get_by_role("button", name="Retry").click()
    expect(page.get_by_role("status").first).to_have_text("It is pending again.")
    expect(page.locator("#history li").last).to_contain_text("retried by Ada (key operator)")
    expect(page.locator("#history li").last).to_contain_text("kept")
    assert found(site, id).status is CaseStatus.PENDING
    expect(page.get_by_role("button", name="Retry", exact=True)).to_have_count(0)
    expect(page.locator("#data")).not_to_contain_text("What was changed")


@pytest.mark.quick
def test_delegates_postpones_and_settles(site, opened):
    make, id, _ = opened
    page = make()
    confirm(page, "Delegate")
    expect(page.get_by_role("status").first).to_have_text("It waits for completes of invoices.")
    page.get_by_role("button", name="Postpone", exact=True).click()
    page.get_by_label("For how long").fill("3h")
    page.locator("dialog:popover-open").get_by_label("Reason").fill("the bank is closed")
    page.locator("dialog:popover-open").get_by_role("button", name="Postpone").click()
    # The page may show the act before the form's own answer replaces it, and whatever is open in it.
    expect(page.get_by_role("status").first).to_have_text("It is set aside.")
    expect(page.locator("#history li").last).to_contain_text("the bank is closed")
    assert found(site, id).status is CaseStatus.POSTPONED
    page.get_by_role("button", name="Settle", exact=True).click()
    page.get_by_label("completed").check()
    page.locator("dialog:popover-open").get_by_role("button", name="Settle").click()
    expect(page.locator(".head .badge")).to_have_text("completed")


def test_edits_and_shows_what_changed(site, opened):
    make, id, _ = opened
    page = make()
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_label("Title").fill("Another <b>letter</b>")
    page.get_by_label("Priority").select_option("high")
    page.get_by_label("Labels, one in each line").fill("region=eu")
    page.get_by_label("Data: JSON, or text").fill('{"pages": 4, "big": 12345678901234567890}')
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Another <b>letter</b>")
    expect(page.locator(".diff")).to_contain_text("pages34")
    case = found(site, id)
    assert (case.data, case.priority) == ({"pages": 4, "big": 12345678901234567890}, Priority.HIGH)
    assert [(label.key, label.value) for label in case.labels] == [("region", "eu")]


@pytest.mark.quick
def test_data_that_an_agent_changed_meanwhile_is_not_overwritten(site, opened):
    make, id, _ = opened
    page = make()
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_label("Data: JSON, or text").fill('{"pages": 9}')
    cases.update(site.casework.db, DEFAULT_TEAM, id, data={"pages": 5})
    expect(page.locator("#data")).to_contain_text("pages5")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("changed by somebody else meanwhile")
    assert found(site, id).data == {"pages": 5}


def test_broken_json_is_refused_and_changes_nothing(site, opened):
    make, id, _ = opened
    page = make(java_script_enabled=False)
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_label("Title").fill("New title")
    page.get_by_label("Data: JSON, or text").fill('{"pages": }')
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text(
        "The data is not JSON: Expecting value in line 1. Nothing was saved."
    )
    assert (found(site, id).title, found(site, id).data) == ("A letter", {"pages": 3})


def test_deletes_after_a_question(site, opened):
    make, id, _ = opened
    page = make()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("dialog:popover-open")).to_contain_text("“A letter” is deleted with its history.")
    page.get_by_role("button", name="Cancel").click()
    confirm(page, "Delete")
    expect(page.get_by_role("status").first).to_have_text("Deleted “A letter”.")
    page.goto(f"{site.address}/cases/{id}")
    expect(page.get_by_role("alert")).to_be_visible()


def test_stops_the_live_run(site, opened):
    make, id, _ = opened
    start(site)
    page = make(Role.OPERATOR)
    page.get_by_role("button", name="Stop the run").click()
    page.locator("dialog:popover-open").get_by_label("Reason").fill("wrong tray")
    page.get_by_role("button", name="Stop it").click()
    expect(page.locator(".why")).to_contain_text("wrong tray")
    assert found(site, id).status is CaseStatus.FAILED


def test_an_act_that_came_too_late_says_why(site, opened):
    make, id, queue = opened
    fail(site, queue, [id])
    page = make()
    page.get_by_role("button", name="Retry", exact=True).click()
    cases.retry(site.casework.db, site.casework.settings, queue.id, [id])
    page.locator("dialog:popover-open").get_by_role("button", name="Retry").click()
    expect(page.get_by_role("alert")).to_contain_text("The case is pending; retry needs a case that is")


def test_a_reader_sees_no_acts(opened):
    make, _, _ = opened
    page = make(Role.READER)
    expect(page.locator("main button:visible")).to_have_count(0)


def test_hidden_payloads_are_hidden_from_readers_only(site, opened):
    make, id, _ = opened
    cases.update(site.casework.db, DEFAULT_TEAM, id, data={"pages": "secret"})
    hiding = replace(site.casework, settings=site.casework.settings.model_copy(update={"hide_payloads": True}))
    with served(hiding) as (address, _):
        for role, sees in ((Role.READER, False), (Role.OPERATOR, True)):
            page = replace(site, address=address).signed_in(role)
            page.goto(f"{address}/cases/{id}")
            assert ("secret" in page.content()) is sees
            page.goto(f"{address}/cases?queue=invoices&search=secret")
            expect(page.locator(".case-row")).to_have_count(int(sees))
            expect(page.get_by_role("alert")).to_have_count(int(not sees))


def test_a_case_of_a_thousand_lines_of_history_shows_the_last(site):
    queue = a_queue(site)
    (id,) = cases.create(site.casework.db, queue.id, [NewCase("busy")]).value
    with site.casework.db.begin() as tx:
        tx.sql(
            "insert into case_events (case_id, type, created_at) select %(id)s, 'updated', now() from generate_series(1, 1000)",
            {"id": id},
        )
    page = site.signed_in()
    page.goto(f"{site.address}/cases/{id}")
    expect(page.locator("#history > ol > li")).to_have_count(500)
    expect(page.locator("#history")).to_contain_text("501 earlier lines are left out")
