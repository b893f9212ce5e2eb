"""What a page must be for everyone who opens it; each check returns what is wrong with it."""

from pathlib import Path
from typing import Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_SCRIPTS: Final = Path(__file__).with_name("page_checks.js").read_text(encoding="utf-8")
LEAST_CONTRAST: Final = 4.5
"""WCAG 2.2, success criterion 1.4.3, of text that is not large."""


def axe_violations(page: Page) -> list[str]:
    """Runs axe-core, with every <details> open; needs JavaScript."""
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    # What passes is as long as the page, and takes longer to write down than to find.
    options = {"resultTypes": ["violations"]}
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary']}"
        for one in found
        for node in one["nodes"]
    ]


def faint_texts(page: Page) -> list[str]:
    """Finds text in charts that stands out too little from what is painted below it.

    axe-core does not look at the text of an SVG.
    """
    found = _evaluate(page, "svgTexts")
    return [f"{text}: {ratio:.2f}" for text, ratio in found if ratio < LEAST_CONTRAST]


def overflow(page: Page) -> list[str]:
    """Finds what makes the page wider than its window."""
    return _evaluate(page, "overflow")


def nameless_pictures(page: Page) -> list[str]:
    """Finds pictures that a screen reader cannot name."""
    return _evaluate(page, "namelessPictures")


def broken_outline(page: Page) -> list[str]:
    """Finds headings that skip a level; there is one h1, and it comes first."""
    return _evaluate(page, "brokenOutline")


def bad_tables(page: Page) -> list[str]:
    """Finds tables without caption, without headers, or with headers without scope."""
    return _evaluate(page, "badTables")


def dead_links(page: Page) -> list[str]:
    """Finds links within the page that lead nowhere, and ids that stand twice."""
    return _evaluate(page, "deadLinks")


def active_content(page: Page) -> list[str]:
    """Finds scripts, handlers of events, frames and forms."""
    return _evaluate(page, "activeContent")


def foreign_content(page: Page) -> list[str]:
    """Finds scripts, handlers of events, frames, forms that send, and links to elsewhere."""
    return _evaluate(page, "foreignContent")


def unprinted(page: Page) -> list[str]:
    """Finds what print would hide, and dark paper; the page's medium must be print."""
    return _evaluate(page, "unprinted")


def below_the_fold(page: Page, selectors: list[str]) -> list[str]:
    """Finds elements that one has to scroll for."""
    assert page.viewport_size is not None
    height = page.viewport_size["height"]
    boxes = {one: page.locator(one).bounding_box() for one in selectors}
    return [
        f"{one}: {box}"
        for one, box in boxes.items()
        if box is None or box["y"] + box["height"] > height
    ]


READABLE: Final = (bad_tables, broken_outline, dead_links, nameless_pictures)
STRUCTURE: Final = (active_content, *READABLE)
"""What no size of the window and no medium changes."""


def _evaluate(page: Page, name: str) -> list:
    return page.evaluate(f"(() => {{ {_SCRIPTS}\nreturn {name}(); }})()")
