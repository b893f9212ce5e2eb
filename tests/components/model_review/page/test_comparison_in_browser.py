"""The page about two models opens anywhere too, and everyone can read it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from components.model_review.page.comparison import render
from tests.components.model_review import sample_comparisons as samples
from tests.components.model_review.page import page_checks as checks
from tests.components.model_review.page.browser_page import Opened, opened

SAMPLES = [samples.better, samples.not_compared, samples.attacked]
Make = Callable[[], dict[str, Any]]


@pytest.fixture(scope="module", params=SAMPLES, ids=lambda make: make.__name__)
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a page, written to disk."""
    path = tmp_path_factory.mktemp("pages") / "compare.html"
    path.write_text(render(request.param()), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def shown(browser: Browser, path: Path) -> Iterator[Opened]:
    """The page in a narrow window, without JavaScript."""
    with opened(browser, path, width=360) as found:
        yield found


def test_it_opens_from_disk_and_needs_nothing_else(shown: Opened) -> None:
    assert shown.problems == []


def test_its_structure_is_one_that_everyone_can_read(shown: Opened) -> None:
    found = {check.__name__: check(shown.page) for check in (*checks.STRUCTURE, checks.overflow)}
    assert found == {name: [] for name in found}


def test_print_shows_all_of_it_on_light_paper(shown: Opened) -> None:
    shown.page.emulate_media(media="print", color_scheme="dark")
    assert checks.unprinted(shown.page) == []
    shown.page.emulate_media(media="screen", color_scheme="light")


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1280)])
def test_axe_finds_no_violation_and_charts_are_legible(
    browser: Browser, path: Path, scheme: str, width: int
) -> None:
    options = {"color_scheme": scheme, "java_script_enabled": True}
    with opened(browser, path, width=width, **options) as found:
        assert checks.axe_violations(found.page) == []
        assert checks.faint_texts(found.page) == []
