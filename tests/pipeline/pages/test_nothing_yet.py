"""Pages that have nothing to show yet say so, and which command changes that."""

from html import unescape
from pathlib import Path

import pytest

from pipeline.pages.site import Site
from pipeline.settings import load_settings
from tests.environment import unset_settings
from tests.pipeline.pages.conftest import TestSite, named

pytestmark = pytest.mark.xdist_group(name="site")


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Site:
    """The pages of a state directory in which nothing was ever recorded."""
    unset_settings(monkeypatch)
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))
    return Site(load_settings())


def told(found: Site, url: str, address: str) -> str:
    """Returns the page at an address."""
    with named(url):
        answer = found.answer(*address.split("?"))
        found.close()
    assert answer.status == 200, answer.content
    return unescape(answer.content.decode())


def test_before_the_first_run_each_page_says_what_to_do(
    empty: Site, migrated_database: str
) -> None:
    for address, said in {
        "/pages/areas": "`tens-insight run score` does",
        "/pages/models": "`tens-insight run train` trains one",
        "/pages/monitoring": "No run was monitored yet: `tens-insight run score`",
    }.items():
        assert said in told(empty, migrated_database, address)


def test_areas_are_shown_without_their_parts_where_the_run_s_file_is_not(
    empty: Site, site: TestSite
) -> None:
    page = told(empty, site.url, "/pages/areas?negative_sentiment=0.4")
    assert "No artifact of this publication is recorded here" in page
    assert "The first 5 pairs" in page
    assert "What if the weights were others?" not in page
    pair = told(empty, site.url, "/pages/area?product_area=billing&segment=pro")
    assert "No artifact of this publication is recorded here" in pair
    assert "accounts in the 90 days" in pair
