"""Answering what agents ask, in a browser."""

import re

import pytest
from playwright.sync_api import expect

from casework.core.model import DEFAULT_TEAM, Priority
from casework.core.requests import Answering
from casework.core.roles import Role
from casework.service import requests

MAIL = {
    "type": "object",
    "properties": {
        "to": {"type": "string"},
        "amount": {"type": "number", "maximum": 500},
        "copies": {"type": "integer"},
        "urgent": {"type": "boolean"},
        "kind": {"enum": ["letter", "parcel"]},
        "lines": {"type": "array", "items": {"type": "string"}},
        "address": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
    "required": ["to", "amount"],
}
ARGUMENTS = {
    "to": "Bo",
    "amount": 120.5,
    "copies": 2,
    "urgent": False,
    "kind": "letter",
    "lines": ["a", "b"],
    "address": {"city": "Ulm"},
}
SEND = {
    "kind": "approval",
    "title": "Send it?",
    "action": {"name": "mail.send", "arguments": ARGUMENTS, "schema": MAIL},
    "decisions": ["approve", "edit", "reject"],
}


def opened(site, page, title):
    page.goto(f"{site.address}/inbox")
    page.get_by_role("link", name=title).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    return page


def test_option_is_a_button_and_leads_to_the_next_request(site):
    case = site.ask({"title": "Which colour?", "options": ["red", "blue"]})
    site.ask({"title": "And then?"})
    page = opened(site, site.signed_in(), "Which colour?")
    page.get_by_role("button", name="blue").click()
    expect(page.get_by_role("status").first).to_have_text("Answered: Which colour?")
    expect(page.get_by_role("heading", level=1)).to_have_text("And then?")
    assert site.answers(case)[0]["value"] == "blue"


def test_approval_with_nothing_changed_gives_the_arguments_exactly(site):
    case = site.ask(SEND)
    page = opened(site, site.signed_in(Role.APPROVER), "Send it?")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Nothing waits for you.")).to_be_visible()
    assert site.answers(case) == [{"decision": "approve", "value": True, "arguments": ARGUMENTS, "message": None}]


def test_every_kind_of_argument_can_be_edited(site):
    case = site.ask(SEND)
    page = opened(site, site.signed_in(), "Send it?")
    page.get_by_label("to", exact=True).fill("Ann")
    page.get_by_label("amount").fill("99.25")
    page.get_by_label("copies").fill("")
    page.get_by_label("urgent").select_option("yes")
    page.get_by_label("kind").select_option("parcel")
    page.get_by_label("lines 3").fill("c")
    page.get_by_label("Element 4").fill("d")
    page.get_by_label("city").fill("Köln")
    page.get_by_role("button", name="Approve with changes").click()
    expect(page.get_by_role("status").first).to_have_text("Approved with your changes: Send it?")
    assert site.answers(case)[0] == {
        "decision": "edit",
        "value": True,
        "message": None,
        "arguments": {
            "to": "Ann",
            "amount": 99.25,
            "urgent": True,
            "kind": "parcel",
            "lines": ["a", "b", "c", "d"],
            "address": {"city": "Köln"},
        },
    }


@pytest.mark.parametrize(("amount", "problem"), [("900", "maximum"), ("much", "not a number"), ("", "missing")])
def test_argument_that_does_not_fit_is_named_and_what_was_typed_stays(site, amount, problem):
    site.ask(SEND)
    page = opened(site, site.signed_in(), "Send it?")
    page.get_by_label("to", exact=True).fill("Ann")
    page.get_by_label("amount").fill(amount)
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("alert")).to_contain_text(problem)
    expect(page.get_by_label("to", exact=True)).to_have_value("Ann")
    expect(page.get_by_label("amount")).to_have_value(amount)


def test_rejects_with_a_message(site):
    case = site.ask(SEND)
    page = opened(site, site.signed_in(), "Send it?")
    page.get_by_text("Message to the agent (optional)").click()
    page.get_by_role("textbox", name="Message to the agent").fill("Too late")
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_text("Nothing waits for you.")).to_be_visible()
    assert site.answers(case)[0] | {"arguments": None} == {
        "decision": "reject",
        "value": False,
        "arguments": None,
        "message": "Too late",
    }


def test_form_is_made_from_its_schema(site):
    schema = {"type": "object", "properties": {"zip": {"type": "string"}}, "required": ["zip"]}
    case = site.ask({"kind": "form", "title": "Where is it?", "schema": schema})
    page = opened(site, site.signed_in(), "Where is it?")
    page.get_by_label("zip").fill("00501")
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_text("Nothing waits for you.")).to_be_visible()
    assert site.answers(case)[0]["value"] == {"zip": "00501"}


@pytest.mark.quick
def test_group_is_answered_on_one_page(site):
    case = site.ask(SEND, {"title": "Which colour?", "options": ["red", "blue"]}, {"title": "Why?"})
    page = site.signed_in()
    page.goto(f"{site.address}/inbox")
    expect(page.get_by_text("3 together")).to_be_visible()
    page.get_by_role("link", name="Send it?").click()
    page.get_by_label("Approve").check()
    page.get_by_label("blue").check()
    page.get_by_role("button", name="Send answers").click()
    expect(page.get_by_role("status").first).to_contain_text("Answered: Which colour?")
    page.get_by_role("textbox", name="Answer", exact=True).fill("because")
    page.get_by_role("button", name="Send answers").click()
    expect(page.get_by_text("Nothing waits for you.")).to_be_visible()
    assert [one["value"] for one in site.answers(case)] == [True, "blue", "because"]


@pytest.mark.quick
def test_works_with_keys_alone(site):
    first, second = site.ask({"title": "One?"}), site.ask({"kind": "approval", "title": "Two?"})
    page = site.signed_in()
    page.goto(f"{site.address}/inbox")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("One?")
    page.get_by_label("Answer").focus()
    page.keyboard.type("j?/x")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Two?")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Nothing waits for you.")).to_be_visible()
    assert site.answers(first)[0]["value"] == "j?/x"
    assert site.answers(second)[0]["decision"] == "approve"


def test_question_mark_shows_the_keys(site):
    page = site.signed_in()
    page.goto(f"{site.address}/inbox")
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Keys")).to_be_hidden()


@pytest.mark.quick
def test_works_without_scripts(site):
    case = site.ask(SEND, says=["Looking"])
    page = opened(site, site.signed_in(java_script_enabled=False), "Send it?")
    expect(page.get_by_text("Looking").first).to_be_visible()
    page.get_by_label("amount").fill("10")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Nothing waits for you.")).to_be_visible()
    assert site.answers(case)[0]["arguments"]["amount"] == 10


def test_the_most_urgent_come_first_and_then_the_oldest(site):
    site.ask({"title": "first"})
    site.ask({"title": "second"})
    site.ask({"title": "high"}, priority=Priority.HIGH)
    site.ask({"title": "soon", "expires": "10m"})
    page = site.signed_in()
    page.goto(f"{site.address}/inbox")
    expect(page.locator(".waiting .what > a")).to_have_text(["soon", "high", "first", "second"])


def test_many_alike_are_answered_together(site):
    alike = [site.ask({"kind": "approval", "title": f"Pay {number}?"}) for number in range(4)]
    other = site.ask({"title": "Which colour?"})
    page = site.signed_in()
    page.goto(f"{site.address}/inbox")
    page.get_by_label("Select: Pay 0?").check()
    page.get_by_role("button", name="Select 3 more like it").click()
    requests_open = requests.find(site.casework.db, DEFAULT_TEAM)
    taken = next(one for one in requests_open if one.title == "Pay 3?")
    site.casework.perform(
        requests.answer(site.casework.db, DEFAULT_TEAM, taken.id, Answering(value=False), person="Bo")
    )
    page.get_by_role("button", name="Approve all selected").click()
    expect(page.get_by_role("status").first).to_contain_text("Approved: 3 requests.")
    assert [site.answers(case)[0]["decision"] for case in alike] == ["approve"] * 3 + ["reject"]
    assert [one.case_id for one in requests.find(site.casework.db, DEFAULT_TEAM)] == [other]


def test_answer_of_somebody_else_shows_at_once(site):
    site.ask({"kind": "approval", "title": "Pay?"})
    ada, bo = (opened(site, site.signed_in(person=name), "Pay?") for name in ("Ada", "Bo"))
    expect(ada.locator("#live")).to_have_attribute("data-state", "on")
    bo.get_by_role("button", name="Reject").click()
    expect(ada.locator("#state")).to_contain_text("was rejected by Bo")
    expect(ada.get_by_role("button", name="Approve")).to_be_hidden()


def test_second_answer_is_told_what_the_first_was(site):
    site.ask({"kind": "approval", "title": "Pay?"})
    ada = opened(site, site.signed_in(person="Ada", java_script_enabled=False), "Pay?")
    bo = opened(site, site.signed_in(person="Bo"), "Pay?")
    bo.get_by_role("button", name="Reject").click()
    expect(bo.get_by_text("Nothing waits for you.")).to_be_visible()
    ada.get_by_role("button", name="Approve").click()
    expect(ada.get_by_role("alert")).to_contain_text("was rejected by Bo")


@pytest.mark.quick
def test_new_request_appears_without_a_reload(site):
    page = site.signed_in()
    page.goto(f"{site.address}/inbox")
    expect(page.locator("#live")).to_have_attribute("data-state", "on")
    site.ask({"title": "New?"})
    expect(page.get_by_role("link", name="New?")).to_be_visible()
    expect(page.locator(".count")).to_contain_text("1")


def test_typed_text_and_focus_outlast_live_updates(site):
    site.ask({"title": "Why?"})
    page = opened(site, site.signed_in(), "Why?")
    page.get_by_label("Answer").fill("because")
    site.ask({"title": "New?"})
    expect(page.get_by_role("link", name="New?")).to_be_visible()
    expect(page.get_by_label("Answer")).to_have_value("because")
    expect(page.get_by_label("Answer")).to_be_focused()


def test_reader_sees_what_waits_and_no_buttons(site):
    site.ask(SEND)
    page = opened(site, site.signed_in(Role.READER), "Send it?")
    expect(page.get_by_text("Bo", exact=True)).to_be_visible()
    expect(page.locator("form.answer button")).to_have_count(0)


def test_request_for_somebody_else_is_not_in_the_inbox(site):
    site.ask({"title": "For Bo?", "assignees": ["Bo"]})
    page = site.signed_in(person="Ada")
    page.goto(f"{site.address}/inbox")
    expect(page.get_by_text("Nothing waits for you.")).to_be_visible()
    bo = opened(site, site.signed_in(person="Bo"), "For Bo?")
    bo.get_by_label("Answer").fill("yes")
    bo.get_by_role("button", name="Send answer").click()
    expect(bo.get_by_text("Nothing waits for you.")).to_be_visible()


def test_next_request_after_the_last_is_the_first(site):
    site.ask({"title": "One?"})
    site.ask({"title": "Two?"})
    page = opened(site, site.signed_in(), "Two?")
    page.get_by_label("Answer").fill("x")
    page.get_by_role("button", name="Send answer").click()
    expect(page).to_have_url(re.compile("/inbox/"))
    expect(page.get_by_role("heading", level=1)).to_have_text("One?")
