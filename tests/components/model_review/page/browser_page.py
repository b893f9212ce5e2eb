"""A page of the report, opened from disk in a real browser whose network is cut."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Error, Page, Playwright, Route, sync_playwright

REQUIRED: Final = "REQUIRE_BROWSER"
_EXECUTABLES: Final = ("chromium", "chromium-browser", "google-chrome")
# As root there is no sandbox; the rest would speak to the network on its own.
_ARGUMENTS: Final = (
    "--no-sandbox", "--disable-gpu", "--in-process-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
)  # fmt: skip


@dataclass
class Opened:
    """A page, and what happened while it was there.

    Attributes:
        page: Playwright's.
        requests: Addresses that it asked for, besides its own.
        messages: Of the console, errors of scripts, and requests that failed.
    """

    page: Page
    requests: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """What a page that needs nothing but itself has none of."""
        return [*(f"asks for {address}" for address in self.requests), *self.messages]


@contextmanager
def started() -> Iterator[Browser]:
    """Starts Chromium; skips the test where there is none, or fails it if REQUIRED is set."""
    with sync_playwright() as playwright:
        browser = _launched(playwright)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Browser, path: Path, *, width: int = 1280, **options: Any) -> Iterator[Opened]:
    """Opens a file as a double click would, without a network.

    Args:
        browser: As started.
        path: Of the file.
        width: Of the window, px.
        options: Of the browser's context, such as color_scheme.
    """
    size = {"width": width, "height": 800}
    context = browser.new_context(**{"viewport": size, "java_script_enabled": False} | options)
    context.set_offline(True)
    found = Opened(context.new_page())

    def decide(route: Route) -> None:
        if route.request.url == path.as_uri():
            route.continue_()
        else:
            found.requests.append(route.request.url)
            route.abort()

    context.route("**/*", decide)
    found.page.on("console", lambda one: found.messages.append(f"console: {one.text}"))
    found.page.on("pageerror", lambda one: found.messages.append(f"error: {one}"))
    found.page.on("requestfailed", lambda one: found.messages.append(f"failed: {one.url}"))
    try:
        found.page.goto(path.as_uri())
        yield found
    finally:
        context.close()


def _launched(playwright: Playwright) -> Browser:
    own = (shutil.which(name) for name in _EXECUTABLES)
    path = next(filter(None, own), None)
    try:
        return playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
    except Error as error:
        reason = (
            f"Chromium did not start ({error.message.splitlines()[0]}): install Debian's package "
            "`chromium`, or run `playwright install --with-deps chromium`."
        )
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(reason)
    pytest.skip(reason)
