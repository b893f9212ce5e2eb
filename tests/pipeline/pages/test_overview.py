"""The overview: what is well, what is not, and why a run failed."""

from html import unescape

import pytest

from components.page.words import visible
from tests.pipeline.pages import world
from tests.pipeline.pages.conftest import TestSite

pytestmark = pytest.mark.xdist_group(name="site")


def test_it_says_why_the_last_run_failed_and_what_is_open(site: TestSite) -> None:
    text = unescape(site.text("/pages"))
    assert "1 of the last 2 did not end well" in text
    assert "score 20260629-b, failed at FeedbackExampleGen" in text
    assert visible(world.FAILED).strip() in text
    assert "1 alert is open." in text
    assert "scores_stale" in text
