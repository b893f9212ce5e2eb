"""Every page, for everyone: on a phone, in the dark, on paper, without JavaScript or a network."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser

from pipeline.pages.page import address, for_form, from_form
from pipeline.pages.site import PAGES
from tests.components.model_review.page import page_checks as checks
from tests.components.model_review.page.browser_page import Opened
from tests.pipeline.pages import model_world, world
from tests.pipeline.pages.conftest import TestSite, save, show, window

pytestmark = pytest.mark.xdist_group(name="site")

ADDRESSES = (
    *(page.path for page in PAGES if page.name and page.path != "/pages/areas"),
    address("/pages/account", id=world.HOSTILE, by="week"),
    address("/pages/areas", negative_sentiment="0.4"),
    address("/pages/area", product_area=world.HOSTILE, segment="pro"),
    address("/pages/model", version=model_world.REFUSED),
    address("/pages/compare", a=model_world.SECOND, b=model_world.REFUSED),
)
_PICTURES = os.environ.get("PICTURES_OF_PAGES", "")
"""A folder for pictures of all pages; none if empty."""


# A window is kept for all pages: its process takes longer to start than to show most of them.
@pytest.fixture(scope="module")
def phone(browser: Browser, site: TestSite) -> Iterator[Opened]:
    """A narrow window without JavaScript; on paper dark, where nothing may be."""
    with window(browser, site, width=390) as found:
        yield found


@pytest.fixture(scope="module")
def night(browser: Browser, site: TestSite) -> Iterator[Opened]:
    """A wide window in the dark that lets axe-core in."""
    # It is put into the page by a script, which the page's own policy forbids.
    options = {"color_scheme": "dark", "java_script_enabled": True, "bypass_csp": True}
    with window(browser, site, **options) as found:
        yield found


@pytest.mark.parametrize("where", ADDRESSES)
def test_a_phone_shows_all_of_it_and_paper_too(phone: Opened, where: str) -> None:
    phone.page.emulate_media(color_scheme="light")
    show(phone, where)
    assert phone.problems == []
    wanted = (*checks.READABLE, checks.foreign_content, checks.overflow)
    problems = {one.__name__: one(phone.page) for one in wanted}
    assert problems == {name: [] for name in problems}
    _save(phone, where, "phone")
    phone.page.emulate_media(media="print", color_scheme="dark")
    assert checks.unprinted(phone.page) == []


# The parts of the monitor's page are looked at by its own tests, and take longest.
@pytest.mark.parametrize("where", [one for one in ADDRESSES if "monitoring" not in one])
def test_axe_finds_nothing_in_the_dark_and_pictures_are_legible(night: Opened, where: str) -> None:
    show(night, where)
    assert night.problems == []
    _save(night, where, "dark")
    assert checks.axe_violations(night.page) == []
    assert checks.faint_texts(night.page) == []


def _save(found: Opened, where: str, what: str) -> None:
    if _PICTURES:
        name = where.partition("?")[0].strip("/").replace("/", "-")
        save(Path(_PICTURES), f"{name}-{what}", found)


def test_forms_work_without_scripts_and_hand_back_whatever_an_id_or_a_region_holds(
    browser: Browser, site: TestSite
) -> None:
    with window(browser, site) as found:
        show(found, "/pages/accounts")
        page = found.page
        page.get_by_label("Region").select_option(index=1)
        page.get_by_label("medium").check()
        page.get_by_role("button", name="Show").click()
        assert page.get_by_label("Region").input_value() == for_form(world.HOSTILE.strip())
        assert page.locator("tbody tr").count() == 2
        page.get_by_label("Id contains").fill("/script>")
        page.get_by_label("medium").uncheck()
        page.get_by_label("Region").select_option(index=0)
        page.get_by_role("button", name="Show").click()
        page.locator("tbody a").click()
        heading = page.locator("h1").inner_text()
        page.get_by_label("Sentiment").first.select_option("negative")
        page.get_by_role("button", name="What would the score be?").click()
        assert page.locator("h1").inner_text() == heading
        assert page.get_by_label("Sentiment").first.input_value() == "negative"
        assert from_form(parse_qs(urlsplit(page.url).query)["key"][0]) == world.HOSTILE
        assert found.problems == []
