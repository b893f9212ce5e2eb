"""Every page, for everyone: on a phone, in the dark, on paper, without JavaScript or a network."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from pipeline.pages.page import address
from pipeline.pages.site import PAGES
from tests.components.model_review.page import page_checks as checks
from tests.pipeline.pages import model_world, world
from tests.pipeline.pages.conftest import TestSite, save, shown

ADDRESSES = (
    *(page.path for page in PAGES if page.name and page.path != "/pages/areas"),
    address("/pages/areas", negative_sentiment="0.4"),
    address("/pages/area", product_area=world.HOSTILE, segment="pro"),
    address("/pages/model", version=model_world.REFUSED),
    address("/pages/compare", a=model_world.SECOND, b=model_world.REFUSED),
)
_PICTURES = os.environ.get("PICTURES_OF_PAGES", "")
"""A folder for pictures of all pages; none if empty."""


@pytest.mark.parametrize("where", ADDRESSES)
def test_a_phone_shows_all_of_it_and_paper_too(
    browser: Browser, site: TestSite, where: str
) -> None:
    with shown(browser, site, where, width=390) as found:
        assert found.problems == []
        wanted = (*checks.READABLE, checks.foreign_content, checks.overflow)
        problems = {one.__name__: one(found.page) for one in wanted}
        assert problems == {name: [] for name in problems}
        _save(found, where, "phone")
        found.page.emulate_media(media="print", color_scheme="dark")
        assert checks.unprinted(found.page) == []


# The parts of the monitor's page are looked at by its own tests, and take longest.
@pytest.mark.parametrize("where", [one for one in ADDRESSES if "monitoring" not in one])
def test_axe_finds_nothing_in_the_dark_and_pictures_are_legible(
    browser: Browser, site: TestSite, where: str
) -> None:
    # axe-core is put into the page by a script, which the page's own policy forbids.
    options = {"color_scheme": "dark", "java_script_enabled": True, "bypass_csp": True}
    with shown(browser, site, where, **options) as found:
        _save(found, where, "dark")
        assert checks.axe_violations(found.page) == []
        assert checks.faint_texts(found.page) == []


def _save(found: object, where: str, what: str) -> None:
    if _PICTURES:
        name = where.partition("?")[0].strip("/").replace("/", "-")
        save(Path(_PICTURES), f"{name}-{what}", found)  # type: ignore[arg-type]
