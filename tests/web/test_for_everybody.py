"""What holds for every page: no violation that axe finds, in light and dark; narrow screens; hostile texts."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from casework.core.roles import Role
from casework.web.pages import PAGES

READS = [page.path for pages in PAGES for page in pages.found if page.method == "GET"]
TEXTS = (
    "<script>document.title = 'x'</script>",
    '"><img src=x onerror="document.title = 1">',
    "{{ 7 * 7 }} {% raw %}",
    "[a](javascript:alert(1)) ![b](https://tracker.example/x.png) <b>c</b>",
    "right\u202eto left\u2066",
    "W" * 400,
    "a\nb\tc\r\nd",
    "שלום مرحبا 你好 🎉🏳️‍🌈",
    "' or 1=1; --",
    "&lt;i&gt; &amp;amp;",
)


@pytest.fixture
def filled(site):
    """An installation in which every text is hostile."""
    for text in TEXTS:
        schema = {"type": "object", "title": text, "properties": {text: {"type": "string", "description": text}}}
        site.ask(
            {
                "kind": "approval",
                "title": text,
                "description": text,
                "action": {"name": text, "arguments": {text: text, "n": 10**30}, "schema": schema},
                "decisions": ["approve", "edit", "reject", "respond"],
            },
            title=text,
            says=[text],
        )
    site.ask({"title": "Q?", "options": list(TEXTS[:5])}, {"title": "R?", "options": list(TEXTS)})
    return site


def paths_of(page, path):
    """The path with an id that the page's links lead to."""
    if "{" not in path:
        return path
    pattern = re.sub(r"{\w+(:\w+)?}", r"[^/?#]+", path)
    for start in ("/inbox", "/queues", "/cases", "/runs", "/agents", "/keys"):
        if not any(re.fullmatch(start, one) for one in READS):
            continue
        page.goto(page.base + start)
        for link in page.locator("main a[href]").all():
            href = link.get_attribute("href").partition("?")[0]
            if re.fullmatch(pattern, href):
                return href
    return None


@pytest.fixture
def opened(filled):
    def make(path, **options):
        page = filled.signed_in(**options)
        page.base = filled.address
        page.problems = []
        page.on("console", lambda message: message.type == "error" and page.problems.append(message.text))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        found = paths_of(page, path)
        if found is None:
            pytest.skip(f"no link leads to {path}")
        page.problems.clear()
        page.goto(filled.address + found)
        page.wait_for_load_state("networkidle") if not page.locator("#live").count() else page.wait_for_timeout(100)
        return page

    return make


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", READS)
def test_axe_finds_nothing(opened, path, scheme):
    page = opened(path, color_scheme=scheme)
    found = Axe().run(
        page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    )
    assert not found.response["violations"], [
        (one["id"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found.response["violations"]
    ]


@pytest.mark.parametrize("path", READS)
def test_hostile_texts_are_texts_and_break_nothing(opened, path):
    page = opened(path, viewport={"width": 360, "height": 740})
    assert page.problems == []
    assert page.title().endswith("· casework")
    assert page.locator("main img, main script, main [onerror], a[href^=javascript]").count() == 0
    assert "\u202e" not in page.content()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("path", READS)
def test_reader_gets_no_form_that_acts(opened, path):
    page = opened(path, role=Role.READER)
    forms = page.locator("main form[method=post]")
    assert forms.locator("button, input[type=submit]").count() == 0


def test_sign_in_page_has_no_violation(site):
    page = site.context().new_page()
    page.goto(site.address + "/sign-in")
    assert not Axe().run(page).response["violations"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
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


def test_every_text_of_a_request_is_shown_as_it_is(filled):
    page = filled.signed_in()
    page.goto(filled.address + "/inbox")
    expect(page.get_by_role("link", name=TEXTS[0])).to_be_visible()
    expect(page.get_by_role("link", name=r"right\u202eto left\u2066")).to_be_visible()
