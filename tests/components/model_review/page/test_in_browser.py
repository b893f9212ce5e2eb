"""The page opens anywhere: from disk, without a network, on a phone, in the dark, on paper."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from components.model_review.review import Review
from tests.components.model_review import sample_extremes, sample_reviews
from tests.components.model_review.page import page_checks as checks
from tests.components.model_review.page.browser_page import Opened, opened
from tests.components.model_review.page.reading import page_of

pytestmark = pytest.mark.xdist_group(name="pages")

OUTCOMES = [
    sample_reviews.blessed,
    sample_reviews.blessed_first,
    sample_reviews.not_blessed,
    sample_reviews.stopped,
    sample_reviews.failed,
]
EXTREMES = [sample_extremes.huge, sample_extremes.hostile]
LOOKED_AT = [sample_reviews.blessed, sample_reviews.not_blessed, sample_reviews.stopped]
Make = Callable[[], Review]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Make], Path]:
    """Writes the page of a review, once."""
    folder = tmp_path_factory.mktemp("pages")

    def write(make: Make) -> Path:
        path = folder / f"{make.__name__}.html"
        if not path.exists():
            path.write_text(page_of(make), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="module", params=[*OUTCOMES, *EXTREMES], ids=lambda make: make.__name__)
def shown(
    request: pytest.FixtureRequest, browser: Browser, written: Callable[[Make], Path]
) -> Iterator[tuple[Opened, Make]]:
    """A page in a wide window, without JavaScript; and whose it is."""
    with opened(browser, written(request.param)) as found:
        yield found, request.param


def test_it_opens_from_disk_and_needs_nothing_else(shown: tuple[Opened, Make]) -> None:
    assert shown[0].problems == []


def test_its_structure_is_one_that_everyone_can_read(shown: tuple[Opened, Make]) -> None:
    found = {check.__name__: check(shown[0].page) for check in checks.STRUCTURE}
    assert found == {name: [] for name in found}


def test_the_contents_link_to_every_section(shown: tuple[Opened, Make]) -> None:
    page = shown[0].page
    linked = attributes(page, "nav a", "href")
    sections = attributes(page, "main section[id]", "id")
    assert linked == [f"#{one}" for one in sections]
    assert len(linked) > 6


def attributes(page: Page, selector: str, name: str) -> list[str]:
    return page.eval_on_selector_all(
        selector, "(found, name) => found.map(one => one.getAttribute(name))", name
    )


def test_the_first_screen_tells_the_decision_and_begins_the_checks(
    shown: tuple[Opened, Make],
) -> None:
    found, make = shown
    if make in EXTREMES:
        pytest.skip("sentences of this review are longer than any screen")
    decision = found.page.locator("section.decision").inner_text()
    assert make().decision.kind in decision
    assert make().decision.consequence in decision
    assert checks.below_the_fold(found.page, ["section.decision", "h2#checks"]) == []


def test_a_phone_scrolls_it_in_one_direction_only(shown: tuple[Opened, Make]) -> None:
    page = shown[0].page
    page.set_viewport_size({"width": 360, "height": 740})
    assert checks.overflow(page) == []


def test_print_shows_all_of_it_on_light_paper(shown: tuple[Opened, Make]) -> None:
    page = shown[0].page
    page.emulate_media(media="print", color_scheme="dark")
    assert checks.unprinted(page) == []
    page.emulate_media(media="screen", color_scheme="light")


@pytest.fixture(scope="module", params=LOOKED_AT, ids=lambda make: make.__name__)
def scripted(
    request: pytest.FixtureRequest, browser: Browser, written: Callable[[Make], Path]
) -> Iterator[Opened]:
    """A page in a browser with JavaScript, which axe-core is written in."""
    with opened(browser, written(request.param), java_script_enabled=True) as found:
        yield found


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(scripted: Opened, scheme: str, width: int) -> None:
    scripted.page.set_viewport_size({"width": width, "height": 800})
    scripted.page.emulate_media(color_scheme=scheme)
    assert checks.axe_violations(scripted.page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_in_charts_stands_out(scripted: Opened, scheme: str) -> None:
    scripted.page.emulate_media(color_scheme=scheme)
    assert checks.faint_texts(scripted.page) == []
