"""What holds for every page: no violation that axe finds, in light and dark; narrow screens; hostile texts."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from casework.core.roles import Role
from casework.web.pages import PAGES
from web.conftest import Site

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


@pytest.fixture(scope="module")
def filled(address, installation, browser):
    """An installation in which every text is hostile. No test changes it."""
    site = Site(address, installation, browser)
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


@pytest.fixture(scope="module")
def found(filled):
    """Each path, with an id that the links of other pages lead to; None if none does."""
    page = filled.signed_in()
    hrefs = []
    for start in ("/inbox", "/queues", "/cases", "/runs", "/agents", "/keys"):
        page.goto(filled.address + start)
        hrefs += page.locator("main a[href]").evaluate_all(
            "all => all.map(one => one.getAttribute('href').split('?')[0])"
        )
    page.context.close()

    def first(path):
        pattern = re.sub(r"{\w+(:\w+)?}", r"[^/?#]+", path)
        return next((href for href in hrefs if re.fullmatch(pattern, href)), None)

    return {path: first(path) if "{" in path else path for path in READS}


@pytest.fixture(scope="module")
def opened(filled, found):
    pages = {}

    def make(path, **options):
        """A page of the path in the one browser window that has these options."""
        if found[path] is None:
            pytest.skip(f"no link leads to {path}")
        key = repr(options)
        page = pages[key] = pages.get(key) or watched(filled.signed_in(**options))
        page.problems.clear()
        page.goto(filled.address + found[path])
        # Once a frame is drawn, scripts have done what they do at the beginning.
        page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
        return page

    return make


def watched(page):
    """The page, which collects what the browser complains about."""
    page.problems = []
    page.on("console", lambda message: message.type == "error" and page.problems.append(message.text))
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    return page


RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.mark.parametrize("path", READS)
def test_axe_finds_nothing_in_light_and_dark(opened, path):
    page = opened(path)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page, options={"runOnly": RULES, "resultTypes": ["violations"]}).response["violations"]
        assert not found, [(scheme, one["id"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found]


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


def test_every_text_of_a_request_is_shown_as_it_is(filled):
    page = filled.signed_in()
    page.goto(filled.address + "/inbox")
    expect(page.get_by_role("link", name=TEXTS[0])).to_be_visible()
    expect(page.get_by_role("link", name=r"right\u202eto left\u2066")).to_be_visible()
