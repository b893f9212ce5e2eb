"""One account: its figures are those of the database, its text is never shown, what if is told."""

from html import unescape
from urllib.parse import quote

import pytest

from tests.pipeline.pages import world
from tests.pipeline.pages.conftest import TestSite

pytestmark = pytest.mark.xdist_group(name="site")

FORM = (
    "&sentiment_1=negative&priority_1=5&product_area_1=billing&source_1=chat&topic_1=invoice"
    "&days_1=2&tier=pro&region=EU"
)


def test_its_score_over_time_and_what_moved_it(site: TestSite) -> None:
    text = unescape(site.text("/pages/account?id=ACC-2"))
    now, before = (world.probability(1, week) for week in (4, 3))
    assert f"Critical: {now:.1%} churn within 60 days, as of 2026-06-29 00:00 UTC." in text
    assert f"moved by {100 * (now - before):+.2f} percent points" in text
    for week in range(world.WEEKS):
        assert f'<td class="number">{world.probability(1, week):.1%}</td>' in text
    assert "What moved it since 2026-06-22 00:00 UTC" in text
    assert "another model, 20260601-abcdef01, scored then" in text
    assert "silent for 43 days" in text
    assert "×1.9" in text
    assert "12 rows, 4 of them negative" in text


def test_the_text_of_feedback_is_on_no_page(site: TestSite) -> None:
    for account in world.ACCOUNTS[:7]:
        assert "CANARY" not in site.text(f"/pages/account?id={quote(account, safe='')}")


def test_an_unknown_account_is_not_there_and_similar_ones_are_named(site: TestSite) -> None:
    answer = site.ask("/pages/account?id=ACC-22")
    assert answer.status == 404
    assert "Did you mean" in answer.content.decode()
    assert site.ask("/pages/account").status == 400
    assert site.ask("/pages/account?key=%2500").status == 400
    assert site.ask("/pages/account?id=ACC-1&by=year").status == 400


def test_the_answer_to_what_if_stands_beside_the_score_of_now(site: TestSite) -> None:
    def score(probability: float, band: str) -> dict[str, object]:
        return {
            "probability": probability,
            "horizons": {"30": probability / 2, "60": probability},
            "risk_band": band,
            "model_version": "20260602-abcdef01",
            "as_of": "2026-06-30T10:00:00+00:00",
            "reasons": [{**world.REASONS[0], "text": f"9 messages about {world.HOSTILE}"}],
        }

    given = {"now": score(0.4, "medium"), "what_if": score(0.5, "high")}
    shown = site.text(f"/pages/account?id=ACC-2{FORM}", given)
    assert "<script" not in shown
    text = unescape(shown)
    assert "40.0% as the database has the account now, and 50.0% with these events: +10.00" in text
    assert "9 messages about a/b" in text
    assert "changed" in text
    assert "<option selected>negative</option>" in text
    problem = {"error": "No event fits.", "problems": ["accounts.1.events.0.topic: <b>"]}
    text = site.text(f"/pages/account?id=ACC-2{FORM}", problem)
    assert "No event fits. accounts.1.events.0.topic: &lt;b&gt;" in text
