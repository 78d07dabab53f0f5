"""The pages of queues, agents and processes."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from casework.core.lifecycle import CaseStatus
from casework.core.limits import Rate
from casework.core.model import DEFAULT_TEAM, QueueMode
from casework.core.roles import Role
from casework.service import cases, limits, queues
from casework.store import processes
from web.working import a_queue, add, claim


def modes(site):
    return {one.name: one.mode for one in queues.find(site.casework.db, DEFAULT_TEAM)}


def test_shows_figures_of_each_queue(site):
    queue = a_queue(site, concurrency=3)
    ids = add(site, queue, "one", "two", "three")
    claim(site)
    cases.settle(site.casework.db, site.casework.settings, queue.id, ids[:1], CaseStatus.FAILED)
    page = site.signed_in()
    page.goto(site.address + "/queues")
    card = page.get_by_role("article", name="invoices")
    expect(card.get_by_role("link", name="2 claimed")).to_be_visible()
    expect(card.get_by_role("link", name="1 failed")).to_be_visible()
    expect(card.get_by_role("img", name="of 3 slots in use")).to_be_visible()
    expect(card.get_by_role("img", name="Runs that ended in the last hour")).to_be_visible()
    card.get_by_role("link", name="1 failed").click()
    expect(page.get_by_role("link", name="one", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="two", exact=True)).to_have_count(0)


def test_pauses_drains_and_resumes(site):
    a_queue(site)
    page = site.signed_in(Role.OPERATOR)
    page.goto(site.address + "/queues")
    for button, mode in (("Drain", "draining"), ("Pause", "paused"), ("Resume", "active")):
        page.get_by_role("button", name=button).click()
        expect(page.locator("#list .badge", has_text=mode)).to_be_visible()
        assert modes(site) == {"invoices": QueueMode(mode)}


def test_says_in_a_sentence_why_a_queue_stands_still(site):
    queue = a_queue(site)
    queues.set_mode(site.casework.db, DEFAULT_TEAM, queue.id, QueueMode.PAUSED)
    add(site, queue, "old")
    with site.casework.db.begin() as tx:
        tx.sql("update cases set ready_at = now() - interval '1 minute'")
    page = site.signed_in(Role.READER)
    page.goto(f"{site.address}/queues/{queue.id}")
    expect(page.locator(".stuck")).to_contain_text("the queue is paused: casework queues resume invoices")


def test_shows_the_limits_of_a_queue(site):
    queue = a_queue(site)
    limits.put(site.casework.db, DEFAULT_TEAM, queue=queue.id, concurrency=4)
    limits.put(site.casework.db, DEFAULT_TEAM, queue=queue.id, key="label:customer", rate=Rate(10, 60.0))
    add(site, queue, "one")
    claim(site)
    page = site.signed_in(Role.READER)
    page.goto(f"{site.address}/queues/{queue.id}")
    expect(page.get_by_role("row", name="4 runs at once 1 of 4")).to_be_visible()
    expect(page.get_by_role("row", name="label:customer 10 starts a minute")).to_be_visible()


def test_limits_follow_what_happens(site):
    queue = a_queue(site)
    page = site.signed_in(Role.READER)
    page.goto(f"{site.address}/queues/{queue.id}")
    expect(page.locator("#live")).to_have_attribute("data-state", "on")
    db = site.casework.db
    limit = limits.put(db, DEFAULT_TEAM, queue=queue.id, concurrency=4).value
    expect(page.get_by_role("row", name="4 runs at once 0 of 4")).to_be_visible()
    add(site, queue, "one")
    claim(site)
    expect(page.get_by_role("row", name="4 runs at once 1 of 4")).to_be_visible()
    limits.put(db, DEFAULT_TEAM, queue=queue.id, concurrency=7)
    expect(page.get_by_role("row", name="7 runs at once 1 of 7")).to_be_visible()
    limits.delete(db, DEFAULT_TEAM, limit.id)
    expect(page.get_by_role("heading", name="Limits")).to_have_count(0)


def test_changing_a_consumer_keeps_its_weight(site):
    queue = a_queue(site)
    db = site.casework.db
    (consumer,) = queues.consumers(db, DEFAULT_TEAM, queue.id)
    queues.set_consumer(db, DEFAULT_TEAM, queue.id, consumer.agent_id, trigger=True, concurrency=3, weight=2.5)
    page = site.signed_in()
    page.goto(f"{site.address}/queues/{queue.id}")
    page.get_by_role("button", name="Change", exact=True).click()
    page.get_by_label("Runs at once, at most").fill("5")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("is connected.")).to_be_visible()
    (changed,) = queues.consumers(db, DEFAULT_TEAM, queue.id)
    assert (changed.concurrency, changed.weight) == (5, 2.5)


def test_a_reader_sees_no_acts(site):
    queue = a_queue(site)
    page = site.signed_in(Role.READER)
    for path in ("/queues", f"/queues/{queue.id}", "/agents"):
        page.goto(site.address + path)
        expect(page.locator("main button:visible")).to_have_count(0)


def test_follows_what_happens(site):
    queue = a_queue(site)
    page = site.signed_in(Role.READER)
    page.goto(site.address + "/queues")
    expect(page.locator("#live")).to_have_attribute("data-state", "on")
    add(site, queue, "one", "two")
    expect(page.get_by_role("link", name="2 pending")).to_be_visible()
    claim(site)
    expect(page.get_by_role("link", name="2 claimed")).to_be_visible()


@pytest.mark.quick
def test_creates_connects_changes_and_deletes(site):
    a_queue(site, "other")
    page = site.signed_in(java_script_enabled=True)
    page.goto(site.address + "/queues")
    page.get_by_role("button", name="New queue").click()
    page.get_by_label("Name").fill("letters & <b>more</b>")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("letters & <b>more</b>")
    page.get_by_label("Runs at once").last.fill("4")
    page.get_by_role("button", name="Connect", exact=True).click()
    # The page may show an act before the form's own answer replaces it, and whatever is open in it.
    expect(page.get_by_role("status").first).to_contain_text("is connected.")
    expect(page.locator("#consumers")).to_contain_text("0 of 4")
    page.get_by_role("button", name="Change", exact=True).click()
    page.get_by_label("takes cases by itself").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("is connected.")
    expect(page.locator("#consumers")).to_contain_text("only delegated ones")
    page.get_by_role("button", name="Disconnect").first.click()
    page.locator("dialog:popover-open").get_by_role("button", name="Disconnect").click()
    expect(page.get_by_role("status").first).to_contain_text("The agent is disconnected")
    expect(page.locator("#consumers")).to_contain_text("No agent works on this queue.")
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_label("Type the name of the queue").fill("letters")
    page.get_by_role("button", name="Delete the queue").click()
    expect(page.get_by_role("alert")).to_contain_text("type its name")
    assert set(modes(site)) == {"other", "letters & <b>more</b>"}
    page.go_back()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_label("Type the name of the queue").fill("letters & <b>more</b>")
    page.get_by_role("button", name="Delete the queue").click()
    expect(page.get_by_role("status").first).to_contain_text("Deleted the queue")
    assert set(modes(site)) == {"other"}


def test_who_opens_the_page_sees_what_others_have_just_created(site):
    page = site.signed_in(Role.READER, java_script_enabled=False)
    for name in ("first", "second", "third"):
        queue = a_queue(site, name)
        page.goto(site.address + "/queues")
        expect(page.get_by_role("article", name=name)).to_be_visible()
        page.goto(f"{site.address}/queues/{queue.id}")
        expect(page.get_by_role("heading", level=1)).to_have_text(name)


def test_acts_without_scripts(site):
    a_queue(site)
    page = site.signed_in(java_script_enabled=False)
    page.goto(site.address + "/queues")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("status").first).to_contain_text("The queue invoices is paused.")
    expect(page.locator("#list .badge")).to_have_text("paused")


def test_agents_show_where_they_work(site):
    queue = a_queue(site, concurrency=2)
    add(site, queue, "one", "two", "three")
    claim(site)
    page = site.signed_in(Role.READER)
    page.goto(site.address + "/agents")
    card = page.get_by_role("article", name="completes of invoices")
    expect(card).to_contain_text("2 of 2")
    expect(card).to_contain_text("2 to start")
    expect(card).to_contain_text("sample_agents:completes")


def test_processes_show_their_last_sign_of_life(site):
    with site.casework.db.begin() as tx:
        processes.seen(tx, "worker-1", "worker", timedelta(seconds=30), processes.Report(4, lost_slots=1))
        processes.seen(tx, "ticker-1", "ticker", timedelta(seconds=30))
        tx.sql("update processes set seen_at = now() - interval '1 hour' where id = 'ticker-1'")
    page = site.signed_in(Role.READER)
    page.goto(site.address + "/processes")
    expect(page.get_by_role("row", name="worker-1")).to_contain_text("lost slots")
    expect(page.get_by_role("row", name="ticker-1")).to_contain_text("silent")
    expect(page.locator(".stuck")).to_have_text(
        ["No ticker is there. Start one: casework ticker, or casework up for all of them."]
    )
