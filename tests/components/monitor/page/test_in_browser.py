"""The page opens anywhere: from disk, on a phone, in the dark, on paper; everyone can read it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from components.monitor.page.report import render
from tests.components.model_review.page import page_checks as checks
from tests.components.model_review.page.browser_page import opened, started
from tests.components.monitor.page import sample_content as samples

pytestmark = pytest.mark.xdist_group(name="pages")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for this module."""
    with started() as found:
        yield found


@pytest.fixture(
    scope="module", params=[samples.alarmed, samples.hostile], ids=lambda one: one.__name__
)
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a page, written to disk."""
    path = tmp_path_factory.mktemp("pages") / "monitor.html"
    path.write_text(render(request.param()), encoding="utf-8")
    return path


def test_a_phone_shows_all_of_it_and_its_structure_can_be_read(
    browser: Browser, path: Path
) -> None:
    with opened(browser, path, width=360) as shown:
        assert shown.problems == []
        found = {one.__name__: one(shown.page) for one in (*checks.STRUCTURE, checks.overflow)}
        assert found == {name: [] for name in found}
        shown.page.emulate_media(media="print", color_scheme="dark")
        assert checks.unprinted(shown.page) == []


def test_axe_finds_no_violation_in_the_dark_and_charts_are_legible(
    browser: Browser, path: Path
) -> None:
    options = {"color_scheme": "dark", "java_script_enabled": True}
    with opened(browser, path, width=1280, **options) as found:
        assert checks.axe_violations(found.page) == []
        assert checks.faint_texts(found.page) == []
