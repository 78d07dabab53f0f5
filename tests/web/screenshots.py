"""The pictures in deploy/screenshots/, from `casework up --demo`: `.venv/bin/python tests/web/screenshots.py`.

With `--all DIRECTORY` it writes every page, in light and dark, at 1280 and 360 pixels: to look at.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import Any

from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent))

from patience import wait_for
from ports import free_port
from web.browser import found_browser, launched

TARGET = Path(__file__).parent.parent.parent / "deploy" / "screenshots"
LINK = re.compile(r"http://\S+/sign-in/\S+")
SCHEMES = ("light", "dark")
PATHS = (
    "/inbox",
    "/inbox/",
    "/queues",
    "/queues/",
    "/cases",
    "/cases/",
    "/runs",
    "/runs/",
    "/agents",
    "/processes",
    "/keys",
    "/doctor",
)
"""Every page; one that ends with a slash is the first that its list leads to, by an id, which begins with 0."""


@contextmanager
def demo(home: str, seconds: float) -> Iterator[str]:
    """An installation with the demo in it, after so many seconds: a link that signs in."""
    command = [sys.executable, "-m", "casework", "up", "--demo", "--port", str(free_port())]
    environment = {**os.environ, "CASEWORK_HOME": home}
    with tempfile.NamedTemporaryFile("r") as log, Path(log.name).open("w") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)
        try:
            link = wait_for(lambda: LINK.search(Path(log.name).read_text()), "the link that signs in")[0]
            sleep(seconds)
            yield link
        finally:
            process.terminate()
            process.wait(60)


def signed_in(browser: Browser, link: str) -> Any:
    """The cookies of somebody who used the link."""
    context = browser.new_context()
    context.new_page().goto(link)
    return context.storage_state()


def pictures(
    browser: Browser, state: Any, base: str, paths: tuple[str, ...], widths: tuple[int, ...], target: Path
) -> None:
    """A picture of each page in each theme and width."""
    target.mkdir(parents=True, exist_ok=True)
    for width in widths:
        for scheme in SCHEMES:
            context = browser.new_context(
                storage_state=state,
                viewport={"width": width, "height": 800},
                color_scheme=scheme,  # type: ignore[arg-type]
                device_scale_factor=1,
            )
            page = context.new_page()
            for path in paths:
                page.goto(base + path.rstrip("/"))
                if path.endswith("/"):
                    named = "Send this reply" if path == "/inbox/" else ""
                    page.locator(f"main a[href^='{path}0']", has_text=named).first.click()
                page.wait_for_timeout(1500)
                name = f"{path.strip('/')}{'-one' if path.endswith('/') else ''}-{width}-{scheme}.png"
                page.screenshot(
                    path=target / (name if len(paths) > 1 else f"inbox-{scheme}.png"), full_page=len(paths) > 1
                )
            context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", type=Path, metavar="DIRECTORY", help="every page, to look at")
    parser.add_argument("--seconds", type=float, default=40, help="how long the demo runs before")
    asked = parser.parse_args()
    browser_path = found_browser()
    if browser_path is None:
        raise SystemExit("No browser is found: install chromium, or name one with CASEWORK_TEST_BROWSER.")
    with tempfile.TemporaryDirectory() as home, demo(home, asked.seconds) as link, sync_playwright() as playwright:
        browser = launched(playwright, browser_path)
        state, base = signed_in(browser, link), link.partition("/sign-in/")[0]
        if asked.all:
            pictures(browser, state, base, PATHS, (1280, 360), asked.all)
        else:
            pictures(browser, state, base, ("/inbox/",), (1280,), TARGET)
        browser.close()


if __name__ == "__main__":
    main()
