"""Acts on many cases: the number first, a question that names it, progress, and what was skipped."""

import re

import pytest
from playwright.sync_api import expect

from casework.core.lifecycle import CaseStatus
from casework.core.model import DEFAULT_TEAM, CaseFilter, LabelRef, Priority
from casework.core.roles import Role
from casework.service import bulk, cases, queues
from web.working import a_queue, add, fail

URGENT = LabelRef("urgent")


def statuses(site, ids):
    return [cases.get(site.casework.db, DEFAULT_TEAM, id)[0].status for id in ids]


def ask(page, act, scope="all"):
    page.locator(f"input[name=scope][value={scope}]").check()
    page.get_by_role("button", name=act).click()


@pytest.mark.parametrize("scripts", [True, False])
def test_retries_all_failed_cases_of_a_label(site, scripts):
    queue = a_queue(site)
    urgent = add(site, queue, *(f"case {number}" for number in range(60)), labels=(URGENT,))
    other = add(site, queue, "another")
    fail(site, queue, urgent + other)
    page = site.signed_in(Role.OPERATOR, java_script_enabled=scripts)
    page.goto(site.address + "/cases?queue=invoices&status=failed&label=urgent")
    ask(page, "Retry…")
    expect(page.get_by_role("heading", level=1)).to_have_text("Retry all 60 failed cases of invoices labelled urgent?")
    page.locator("summary").click()
    expect(page.locator("code")).to_have_text("casework cases retry --status=failed --label==urgent --queue=invoices")
    late = add(site, queue, "late", labels=(URGENT,))
    fail(site, queue, late)
    page.get_by_role("button", name="Retry all 60").click()
    expect(page.locator(".outcome")).to_have_text("60 retried.")
    assert set(statuses(site, urgent)) == {CaseStatus.PENDING}
    assert statuses(site, other + late) == [CaseStatus.FAILED] * 2
    page.get_by_role("link", name="Back to the list").click()
    expect(page.locator(".case-row")).to_have_count(1)


def test_shows_progress_in_batches(site):
    queue = a_queue(site)
    count = 2 * bulk.BATCH + 1
    add(site, queue, *(f"case {number}" for number in range(count)))
    page = site.signed_in(java_script_enabled=False)
    page.goto(site.address + "/cases")
    ask(page, "Delete…")
    page.get_by_role("button", name=f"Delete all {count:,}").click()
    expect(page.locator(".outcome")).to_have_text(f"{count:,} deleted.".replace(",", "\u202f"))
    steps = [re.sub(r"\D+", " ", text).strip() for text in page.locator(".step").all_text_contents()]
    assert len(steps) == 3
    assert bulk.count(site.casework.db, DEFAULT_TEAM, queue.id, CaseFilter()).count.number == 0


def test_says_what_was_skipped_and_why(site):
    queue = a_queue(site)
    ids = add(site, queue, "one", "two", "three")
    fail(site, queue, ids[:1])
    page = site.signed_in()
    page.goto(site.address + "/cases")
    for box in page.locator("input[name=case]").all():
        box.check()
    ask(page, "Retry…", "chosen")
    expect(page.get_by_role("heading", level=1)).to_have_text("Retry 3 selected cases of invoices?")
    cases.delete(site.casework.db, site.casework.settings, queue.id, ids[1:2])
    page.get_by_role("button", name="Retry 3 selected").click()
    expect(page.locator(".outcome")).to_have_text("1 retried. 2 skipped:")
    expect(page.locator(".result li")).to_have_text(
        [re.compile("^1 is pending: retry needs"), "1 was deleted meanwhile."]
    )


@pytest.mark.parametrize(
    ("act", "fill", "expected"),
    [
        ("Settle…", lambda page: page.get_by_label("failed").check(), CaseStatus.FAILED),
        ("Postpone…", lambda page: page.get_by_label("For how long").fill("3h"), CaseStatus.POSTPONED),
        ("Delegate…", lambda page: page.get_by_label("Agent").select_option(index=0), CaseStatus.PENDING),
    ],
)
def test_acts_with_what_the_form_asks(site, act, fill, expected):
    queue = a_queue(site)
    (id,) = add(site, queue, "one")
    page = site.signed_in(Role.OPERATOR)
    page.goto(site.address + "/cases")
    page.get_by_role("checkbox", name="Select one").check()
    page.get_by_role("button", name=act).click()
    fill(page)
    page.locator("main button.button").first.click()
    expect(page.locator(".outcome")).to_contain_text("1 ")
    case, events = cases.get(site.casework.db, DEFAULT_TEAM, id)
    assert case.status is expected
    assert (events[-1].by_key, events[-1].by_person) == ("operator", "Ada")
    assert (case.assigned_agent_id is not None) == (act == "Delegate…")


def test_changes_the_priority_of_all(site):
    queue = a_queue(site)
    (id,) = add(site, queue, "one")
    page = site.signed_in()
    page.goto(site.address + "/cases")
    ask(page, "Priority…")
    page.get_by_label("Priority").select_option("high")
    page.get_by_role("button", name="Change the priority of 1").click()
    expect(page.locator(".outcome")).to_have_text("1 changed.")
    assert cases.get(site.casework.db, DEFAULT_TEAM, id)[0].priority is Priority.HIGH


def test_nothing_selected_leads_back(site):
    queue = a_queue(site)
    add(site, queue, "one")
    page = site.signed_in()
    page.goto(site.address + "/cases")
    page.get_by_role("button", name="Delete…").click()
    expect(page.get_by_role("status").first).to_have_text("Select cases first.")


def test_a_selection_of_another_queue_is_not_touched(site):
    first, second = a_queue(site), a_queue(site, "other")
    ids = add(site, first, "one") + add(site, second, "two")
    page = site.signed_in()
    page.goto(site.address + "/cases?queue=invoices")
    page.evaluate("id => document.querySelector('input[name=case]').value = id", str(ids[1]))
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Delete…").click()
    expect(page.get_by_role("status").first).to_have_text("Select cases first.")
    assert statuses(site, ids) == [CaseStatus.PENDING] * 2


def test_a_problem_in_the_middle_is_told_with_what_was_done(site):
    queue = a_queue(site)
    add(site, queue, "one")
    page = site.signed_in()
    page.goto(site.address + "/cases")
    ask(page, "Postpone…")
    page.get_by_label("For how long").fill("never")
    page.get_by_role("button", name="Postpone 1").click()
    expect(page.get_by_role("alert")).to_contain_text("It ended early: 'never' is not a duration")
    expect(page.locator(".outcome")).to_have_text("0 postponed.")
    assert [one.mode for one in queues.find(site.casework.db, DEFAULT_TEAM)] == ["active"]


def test_a_question_stays_while_others_work(site):
    queue = a_queue(site)
    add(site, queue, "one")
    page = site.signed_in()
    page.goto(site.address + "/cases")
    ask(page, "Delete…")
    expect(page.get_by_role("heading", level=1)).to_have_text("Delete 1 case of invoices?")
    expect(page.locator("[data-live]")).to_have_count(0)
