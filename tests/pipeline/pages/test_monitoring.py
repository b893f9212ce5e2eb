"""Monitoring: what the file of `tens-insight monitor --html` has, with ways to the accounts."""

from html import unescape

import pytest

from components.monitor.page.report import SECTIONS
from components.page.words import visible
from pipeline.pages.page import address
from tests.components.model_review.page.reading import elements, words
from tests.pipeline.pages import world
from tests.pipeline.pages.conftest import TestSite

pytestmark = pytest.mark.xdist_group(name="site")


def test_it_shows_what_the_file_shows(site: TestSite) -> None:
    page = site.text("/pages/monitoring")
    assert "1 open" in words(page)
    assert "1 alarm is open: since 2026-06-29" in words(page)
    assert "source or pipeline changed, since 5 days" in words(page)
    assert "What came after" in page
    names = [one.attributes.get("id") for one in elements(page) if one.tag == "section"]
    assert len(names) == len(SECTIONS) + 1
    assert visible(world.HOSTILE).strip() in unescape(page)


def test_an_account_leads_to_its_page(site: TestSite) -> None:
    wanted = address("/pages/account", id=world.HOSTILE)
    links = [
        one.attributes.get("href")
        for one in elements(site.text("/pages/monitoring"))
        if one.tag == "a"
    ]
    assert wanted in links
