"""Models: the list, one of them, two of them, and the report of one and of nothing else."""

import os
from html import unescape
from pathlib import Path

import pytest

from components.model_review.sections.compared import Comparison, Pair
from components.model_review.sections.estimates import Estimate
from components.page.numbers import MINUS
from components.page.words import visible
from pipeline.pages.compare import _answer
from tests.components.model_review.page.reading import table, words
from tests.pipeline.pages import world
from tests.pipeline.pages.conftest import TestSite
from tests.pipeline.pages.model_world import FIRST, REFUSED, REPORT, SECOND

pytestmark = pytest.mark.xdist_group(name="site")

DASH = "\N{EN DASH}"


def test_the_list_says_who_scores_and_who_does_not(site: TestSite) -> None:
    page = site.text("/pages/models")
    rows = table(page, "Models 1 to 3").rows
    assert [(row[0], row[4], row[5]) for row in rows] == [
        (REFUSED, "not blessed", DASH),
        (SECOND, "blessed", "champion"),
        (FIRST, "blessed", DASH),
    ]
    assert [int(row[6]) > 0 for row in rows] == [False, True, True]
    assert f"{SECOND} is champion" in page
    assert site.text("/pages/models?begin=3").count(FIRST) == page.count(FIRST)
    decided = table(page, "The newest 1 of 1").rows
    assert words(decided[0][4]) == words(visible(f"Agreed with CS {world.HOSTILE}"))


def test_a_model_says_why_it_may_not_score_and_where_it_comes_from(site: TestSite) -> None:
    page = unescape(site.text(f"/pages/model?version={REFUSED}"))
    assert "NOT BLESSED: auc is 0.71" in page
    assert "no, and nobody may accept it: it is behind the champion" in page
    assert f"run-of-{REFUSED}" in page
    assert "2 cutoffs from 2026-01-01 to 2026-02-01" in page
    assert "max_events=300" in page
    rows = table(page, "4 checks, failed ones first").rows
    assert (rows[0][0], rows[0][3]) == ("AUC against the champion", "failed")
    assert f"/pages/compare?a={SECOND}&b={REFUSED}" in page


def test_two_models_are_compared_as_the_gate_did_it_and_either_way_round(site: TestSite) -> None:
    caption = "Both models on one evaluation set, with paired 95% intervals of the difference"
    one = table(site.text(f"/pages/compare?a={SECOND}&b={REFUSED}"), caption).rows
    other = table(site.text(f"/pages/compare?a={REFUSED}&b={SECOND}"), caption).rows
    assert one[0][1:3] == ["0.9100", "0.7100"]
    assert other[0][1:3] == ["0.7100", "0.9100"]
    assert f"{MINUS}0.2000" in one[0][3]
    assert "+0.2000" in other[0][3]
    assert (one[0][4], other[0][4]) == ("A is better", "B is better")


def test_two_models_that_nobody_compared_say_so(site: TestSite) -> None:
    page = unescape(site.text(f"/pages/compare?a={FIRST}&b={REFUSED}"))
    assert "nothing is recorded of both on the same accounts" in page
    assert f"tens-insight report --compare {FIRST} {REFUSED}" in page
    assert "at least 30 of each are needed" in page


def test_what_the_gate_could_not_measure_makes_neither_better() -> None:
    found = Comparison(FIRST, SECOND, None, "", (), ())
    measured = {"auc": Pair(0.6, 0.8, Estimate(0.2, (0.1, 0.3)))}
    assert _answer(found, measured).endswith("B is better in ranking (AUC).")
    assert _answer(found, {"auc": Pair(0.6, 0.8, None)}).startswith("That is not known")


def test_a_report_is_sent_as_it_is_and_may_run_nothing(site: TestSite) -> None:
    answer = site.ask(f"/pages/report?version={SECOND}")
    assert answer.content.decode() == f"{REPORT}{SECOND}</p></html>"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "'unsafe-inline'" not in policy


@pytest.mark.parametrize(
    "version",
    ["", "20260602", "../metadata.sqlite", "..%2F..%2Fmetadata.sqlite", f"{SECOND}/../x", "%00"],
)
def test_nothing_but_a_registered_model_names_a_report(site: TestSite, version: str) -> None:
    answer = site.ask(f"/pages/report?version={version}")
    assert answer.status in (400, 404)
    assert b"SQLite" not in answer.content


def test_a_report_that_is_a_link_elsewhere_is_not_sent(site: TestSite, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("CANARY")
    folder = site.state_dir / "artifacts" / f"run-of-{FIRST}" / "review"
    path, aside = folder / "review.html", folder / "aside"
    os.rename(path, aside)
    try:
        path.symlink_to(secret)
        answer = site.ask(f"/pages/report?version={FIRST}")
    finally:
        path.unlink(missing_ok=True)
        os.rename(aside, path)
    assert answer.status == 404
    assert b"CANARY" not in answer.content


@pytest.mark.parametrize("address", ["/pages/model?version=x", "/pages/compare?a=x&b=y"])
def test_a_model_that_is_not_there_is_said(site: TestSite, address: str) -> None:
    answer = site.ask(address)
    assert answer.status == 404
    assert "There is no model" in unescape(answer.content.decode())
