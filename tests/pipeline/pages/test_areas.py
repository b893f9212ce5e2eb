"""Product areas: what scores are made of, other weights by the same rule, and who wrote."""

from html import unescape
from urllib.parse import urlencode

import pytest

from components.page.words import visible
from tests.components.model_review.page.reading import table, words
from tests.pipeline.pages import model_world, world
from tests.pipeline.pages.conftest import TestSite
from transforms.product_area_impact import SIGNALS, Weights, area_impacts

pytestmark = pytest.mark.xdist_group(name="site")

NOW = Weights().changed({"recent_feedback": 0.2})
"""Of the newest publication."""


def ranking(weights: Weights) -> list[str]:
    """The pairs in the order of the rule, as the first column names them."""
    pairs = model_world.pairs(world.WEEKS - 1, world.HOSTILE)
    found = area_impacts(pairs, weights, model_world.ENTERPRISE)
    return [words(visible(f"{one.counts.product_area} {one.counts.segment}")) for one in found]


def test_scores_are_shown_with_what_makes_them_up(site: TestSite) -> None:
    page = site.text("/pages/areas")
    rows = table(page, "All 5 pairs, points of each signal").rows
    assert [words(row[0]) for row in rows] == ranking(NOW)
    first = rows[0]
    assert sum(float(one.split()[0]) for one in first[2:]) == pytest.approx(
        float(first[1]), abs=0.4
    )
    assert "billing / enterprise from 94.3 to" in unescape(page)
    assert "other weights" in page
    assert not any(f'value="{digit}' in page for digit in "0123456789")


def test_other_weights_rank_by_the_very_rule_and_write_nothing(site: TestSite) -> None:
    before = site.rows("SELECT * FROM product_area_impact ORDER BY 1, 2")
    page = site.text("/pages/areas?critical_feedback=0&negative_sentiment=0.6&p5_feedback=")
    other = NOW.changed({"critical_feedback": 0, "negative_sentiment": 0.6})
    rows = table(page, "The ranking by these weights").rows
    assert [words(row[0]) for row in rows] == ranking(other)
    now = ranking(NOW)
    assert [row[2] for row in rows] == [str(now.index(one) + 1) for one in ranking(other)]
    assert f"By {other.version()}" in page
    assert (
        'name="negative_sentiment" inputmode="decimal" autocomplete="off" size="6" value="0.6"'
        in page
    )
    assert site.rows("SELECT * FROM product_area_impact ORDER BY 1, 2") == before


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"p5_feedback": "much"}, "The weight of priority 5 is not a number."),
        ({"p5_feedback": "nan"}, "Weights must be numbers"),
        ({"p5_feedback": "-0.1"}, "Weights must be numbers"),
        ({"p5_feedback": "2"}, "Weights must sum to 1"),
        (dict.fromkeys(SIGNALS, "0.5"), "Weights must sum to 1"),
        ({"p5_feedback": "<b>1</b>"}, "is not a number"),
    ],
)
def test_what_is_no_weights_is_said_beside_the_form(
    site: TestSite, typed: dict[str, str], said: str
) -> None:
    page = site.text(f"/pages/areas?{urlencode(typed)}")
    assert said in unescape(page)
    assert "<b>" not in page
    assert "The ranking by these weights" not in page


def test_a_pair_has_its_signals_its_course_and_its_accounts(site: TestSite) -> None:
    page = site.text(f"/pages/area?{urlencode({'product_area': 'billing', 'segment': 'pro'})}")
    rows = table(page, "Points by signal, which add up to the score").rows
    assert [row[1] for row in rows][:5] == ["60", "30", "12", "4", "5"]
    accounts = table(page, "Accounts with most rows").rows
    # Of each account four rows are about billing; two lie in the 90 days before the publication.
    assert {row[1] for row in accounts} == {"2"}
    assert f"{len(world.ACCOUNTS)} accounts in the 90 days" in page
    assert "CANARY" not in page


def test_a_pair_that_was_never_published_is_not_there(site: TestSite) -> None:
    assert site.ask("/pages/area?product_area=x&segment=pro").status == 404
    assert site.ask("/pages/area").status == 404
