"""Runs, keys and the doctor."""

from datetime import timedelta

from playwright.sync_api import expect

from casework.core.model import DEFAULT_TEAM, CounterName
from casework.core.roles import Role
from casework.core.usage import Usage
from casework.service import keys, runs
from casework.store import counters, kept, messages, transitions
from casework.store import runs as run_store
from web.working import a_queue, add, claim, start


def test_runs_show_who_works_on_what(site):
    queue = a_queue(site)
    add(site, queue, "one", "two")
    start(site)
    page = site.signed_in(Role.READER)
    page.goto(site.address + "/runs")
    expect(page.locator(".run-row")).to_have_count(2)
    expect(page.locator(".run-row").first).to_contain_text("completes of invoices · invoices")
    page.get_by_role("link", name="two").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("completes of invoices on “two”")
    expect(page.locator("#facts")).to_contain_text("Sign of life")


def test_runs_show_what_was_refused_and_sent_again(site):
    queue = a_queue(site)
    add(site, queue, "one", "two")
    fence, _ = start(site)
    add(site, queue, "three")
    claim(site)
    with site.casework.db.begin() as tx:
        run_store.record_refusal(tx, fence, "a message")
        counters.add(tx, queue.id, CounterName.RUN_LOST, 3)
        tx.sql("update runs set send_count = 3 where started_at is null")
    page = site.signed_in(Role.READER)
    page.goto(site.address + "/runs?show=troubled")
    expect(page.locator(".run-row")).to_have_count(2)
    expect(page.locator("#list")).to_contain_text("1 writes refused")
    expect(page.locator("#list")).to_contain_text("sent 3 times")
    expect(page.locator("#trouble")).to_contain_text("3")


def test_runs_are_turned_by_the_page(site):
    queue = a_queue(site)
    add(site, queue, *(f"case {number:02}" for number in range(60)))
    claim(site)
    page = site.signed_in(Role.READER)
    page.goto(site.address + "/runs?show=all")
    expect(page.locator(".run-row")).to_have_count(50)
    page.get_by_role("link", name="Older").click()
    expect(page.locator(".run-row")).to_have_count(10)


def test_a_run_shows_its_error_and_steps(site):
    queue = a_queue(site)
    add(site, queue, "one")
    (fence,) = start(site)
    with site.casework.db.begin() as tx:
        messages.record_step(tx, fence, "look <up>", '{"found": 3}')
        transitions.fail(tx, fence, "it broke", "Traceback: ValueError('<x>')")
    page = site.signed_in(Role.READER)
    page.goto(f"{site.address}/runs/{fence.run_id}")
    expect(page.locator("#steps")).to_contain_text("look <up>")
    expect(page.get_by_text("Traceback: ValueError('<x>')")).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)


def test_a_run_and_its_case_show_what_models_used(site):
    queue = a_queue(site)
    (case_id,) = add(site, queue, "one")
    (fence,) = start(site)
    with site.casework.db.begin() as tx:
        tx.sql(*kept.usage_statement(fence, Usage(12_000, 345, 2, 0.05, ("a-model",)), "one"))
        tx.sql(*kept.usage_statement(fence, Usage(1000, 5, 1, 0.01), "two"))
    page = site.signed_in(Role.READER)
    page.goto(f"{site.address}/runs/{fence.run_id}")
    for text in ("13\u202f000 in, 350 out, 3 requests", "0.0600", "a-model"):
        expect(page.locator("#facts")).to_contain_text(text)
    page.goto(f"{site.address}/cases/{case_id}")
    expect(page.locator("#facts")).to_contain_text("13\u202f000 in, 350 out")


def test_stops_a_run(site):
    queue = a_queue(site)
    add(site, queue, "one")
    (fence,) = start(site)
    page = site.signed_in(Role.OPERATOR, java_script_enabled=False)
    page.goto(f"{site.address}/runs/{fence.run_id}")
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_label("Reason").fill("wrong")
    page.get_by_role("button", name="Stop it").click()
    expect(page.get_by_role("status").first).to_have_text("The run was asked to stop.")
    assert runs.get(site.casework.db, DEFAULT_TEAM, fence.run_id).stop_requested_at is not None


def test_a_key_is_shown_once_and_works_until_it_is_revoked(site):
    page = site.signed_in(Role.ADMIN)
    page.goto(site.address + "/keys")
    page.get_by_role("button", name="New key").click()
    page.get_by_label("Name").fill("Grace")
    page.get_by_role("radio", name="reader").check()
    page.get_by_label("Valid for").fill("30d")
    page.get_by_role("button", name="Make it").click()
    token = page.locator(".once code").inner_text()
    found = keys.authenticate(site.casework.db, token)
    assert (found.name, found.role) == ("Grace", Role.READER)
    assert found.expires_at - found.created_at == timedelta(days=30)
    page.goto(site.address + "/keys")
    assert token not in page.content()
    row = page.get_by_role("row", name="Grace")
    row.get_by_role("button", name="Revoke").click()
    page.locator("dialog:popover-open").get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("row", name="Grace")).to_contain_text("revoked")


def test_a_key_for_an_agent_names_it(site):
    a_queue(site)
    page = site.signed_in()
    page.goto(site.address + "/keys")
    page.get_by_role("button", name="New key").click()
    page.get_by_label("Name").fill("robot")
    page.get_by_role("radio", name="agent").check()
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("alert")).to_contain_text("A key of role agent names the agents")
    page.go_back()
    page.get_by_role("button", name="New key").click()
    page.get_by_label("Name").fill("robot")
    page.get_by_role("radio", name="agent").check()
    page.get_by_role("checkbox", name="completes of invoices").check()
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("row", name="robot")).to_contain_text("for completes of invoices")


def test_the_doctor_says_what_is_wrong(site):
    a_queue(site)
    page = site.signed_in(Role.OPERATOR)
    page.goto(site.address + "/doctor")
    expect(page.locator(".checks li", has_text="ticker")).to_contain_text("no ticker was ever seen: start casework up")
    expect(page.locator(".checks li", has_text="queue invoices")).to_contain_text("moves")
    expect(page.locator(".stuck")).to_contain_text("checks found something wrong")
