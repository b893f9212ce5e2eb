"""Every number of a review stands on its page, in its row, as people read it."""

import math
import re
from collections.abc import Iterator
from typing import Any

import pytest

from components.model_review.review import Review
from components.model_review.sections.estimates import Estimate
from tests.components.model_review.page.reading import Table, page_of, table, tables, words
from tests.components.model_review.sample_reviews import blessed, not_blessed

pytestmark = pytest.mark.xdist_group(name="pages")

MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"


@pytest.fixture(scope="module", params=[blessed, not_blessed], ids=lambda make: make.__name__)
def shown(request: pytest.FixtureRequest) -> tuple[Review, str]:
    return request.param(), page_of(request.param)


def four(value: float) -> str:
    return f"{value:.4f}".replace("-", MINUS)


def signed(value: float) -> str:
    return four(value) if abs(value) < 0.00005 else f"{value:+.4f}".replace("-", MINUS)


def times(log_odds: float) -> str:
    """A factor on the odds, for one between 1.1 and 9.9."""
    return f"×{math.exp(log_odds):.1f}" if log_odds > 0.091 else f"×{math.exp(log_odds):.2f}"


def percent(value: float) -> str:
    if value in (0, 1):
        return f"{value:.0%}"
    return f"{value:.1%}" if value >= 0.01 else f"{value:.2%}"


def with_ends(found: Estimate, write: Any = four) -> str:
    assert found.interval is not None
    low, high = found.interval
    return f"{write(found.value)} {write(low)} to {write(high)}"


def named(model: str) -> str:
    return {
        "constant": "the same for everybody",
        "recency": "days since last message",
        "logistic_regression": "logistic regression",
        "cold_start_rule": "cold-start rule",
    }.get(model, model)


def test_metrics_of_all_models(shown: tuple[Review, str]) -> None:
    review, page = shown
    assert review.performance is not None
    assert table(page, "Metrics on the evaluation set").rows == [
        [
            named(one.model),
            *(
                with_ends(found) if found.interval else four(found.value)
                for found in one.metrics.values()
            ),
            percent(one.mean_predicted),
        ]
        for one in review.performance.metrics
    ]


def test_champion_beside_challenger(shown: tuple[Review, str]) -> None:
    review, page = shown
    assert review.performance is not None
    challenger, champion = review.performance.metrics[:2]
    difference = challenger.metrics["auc"].value - champion.metrics["auc"].value
    rows = table(page, "Champion and challenger").rows
    assert [row[0] for row in rows] == ["challenger", "champion", "difference"]
    assert [row[1] for row in rows[:2]] == [
        with_ends(challenger.metrics["auc"]),
        with_ends(champion.metrics["auc"]),
    ]
    assert rows[2][1].startswith(signed(difference))
    assert [row[4] for row in rows[:2]] == [
        four(challenger.metrics["calibration_error"].value),
        four(champion.metrics["calibration_error"].value),
    ]


def test_every_check_of_the_gate_stands_in_one_of_two_tables(shown: tuple[Review, str]) -> None:
    review, page = shown
    rows = (
        table(page, "Checks on all accounts, and failed checks on slices").rows
        + table(page, "Checks on slices").rows
    )
    expected = sorted(
        [
            f"{one.accounts:,}, {one.churned:,} churned",
            DASH if one.value is None else four(one.value),
            DASH if one.interval is None else " to ".join(map(four, one.interval)),
            one.threshold,
            one.verdict,
        ]
        for one in review.checks
    )
    found = [[" ".join(row[1].split()[-3:]), *row[2:]] for row in rows]
    assert sorted(found) == expected
    failed = [one.verdict == "failed" for one in review.checks].count(True)
    assert [row[5] for row in rows[:failed]] == ["failed"] * failed


def test_contacts_and_lift(shown: tuple[Review, str]) -> None:
    review, page = shown
    assert review.gains is not None
    assert table(page, "Contacts to reach half").rows == [
        [named(one.model), f"{one.accounts:,}", percent(one.share)]
        for one in review.gains.contacts_for_half
    ]
    assert table(page, "Lift").rows == [
        [f"the first {share:.0%}", with_ends(one, "{:.2f}".format)]
        for share, one in review.gains.lift
    ]


def test_slices_the_failed_ones_first(shown: tuple[Review, str]) -> None:
    review, page = shown
    rows = table(page, "Slices").rows
    by_name = {one.name.replace("customer_tier ", "customer tier: "): one for one in review.slices}
    by_name = {re.sub("^region ", "region: ", name): one for name, one in by_name.items()}
    by_name = {re.sub("^state ", "account state: ", name): one for name, one in by_name.items()}
    assert len(rows) == len(by_name)
    failed = [row[3] == "failed" for row in rows]
    assert failed == sorted(failed, reverse=True)
    for row in rows:
        (name,) = [name for name in by_name if row[0] == name or row[0].startswith(f"{name} ")]
        assert row == [*slice_start(name, by_name[name]), *slice_end(by_name[name])]


def slice_start(name: str, one: Any) -> list[str]:
    verdict = "failed" if one.failed else "passed"
    if one.too_little:
        name, verdict = f"{name} {one.too_little}", "not enough data"
    return [name, f"{one.accounts:,}", f"{one.churned:,}", verdict]


def slice_end(one: Any) -> list[str]:
    if one.too_little:
        return [DASH] * 5
    return [
        with_ends(one.auc),
        with_ends(one.against_champion, signed),
        percent(one.mean_predicted),
        percent(one.mean_observed),
        with_ends(one.calibration_gap, signed),
    ]


def test_deciles(shown: tuple[Review, str]) -> None:
    review, page = shown
    assert review.calibration is not None
    assert table(page, "Predicted and observed").rows == [
        [
            str(place),
            *(f"{one.accounts:,}", f"{one.churned:,}"),
            *(percent(one.predicted), percent(one.observed)),
            " to ".join(map(percent, one.interval)),
            signed(one.predicted - one.observed),
            p_text(one.p_value),
        ]
        for place, one in enumerate(review.calibration.deciles, 1)
    ]


def p_text(value: float) -> str:
    return "under 0.0001" if value < 0.0001 else f"{round(value, 4):g}"


def test_horizons(shown: tuple[Review, str]) -> None:
    review, page = shown
    rows = table(page, "Probabilities by horizon").rows
    assert [row[0].split()[1] for row in rows] == ["30", "60", "90"]
    for row, one in zip(rows, review.horizons, strict=True):
        if one.not_judged:
            assert row == [f"within {one.days} days not judged: {one.not_judged}", *[DASH] * 6]
            continue
        assert one.auc is not None
        assert one.p_value is not None
        assert row == [
            f"within {one.days} days",
            *(f"{one.accounts:,}", f"{one.churned:,}"),
            with_ends(Estimate(one.auc, one.auc_interval)),
            *(percent(one.mean_predicted or 0), percent(one.mean_observed or 0)),
            p_text(one.p_value),
        ]


def test_first_accounts(shown: tuple[Review, str]) -> None:
    review, page = shown
    rows = table(page, "Precision and recall of the first").rows
    assert len(rows) == len(review.first_accounts) == 12
    by_name = {(row[0], row[1]): row for row in rows}
    for one in review.first_accounts:
        row = by_name[f"the first {one.first}", named(one.model)]
        assert float(row[2]) == pytest.approx(one.churned, abs=0.06)
        assert row[3] == with_ends(Estimate(one.precision, one.precision_interval), percent)
        assert row[4] == with_ends(Estimate(one.recall, one.recall_interval), percent)
    for other in review.first_differences:
        row = by_name[f"the first {other.first}", named(other.other)]
        value = float(row[5].split()[0].replace(MINUS, "-"))
        assert value == pytest.approx(other.churned, abs=0.06)


def test_challenger_and_cold_start_rule(shown: tuple[Review, str]) -> None:
    review, page = shown
    assert review.performance is not None
    own, rule = (
        next(one for one in review.performance.metrics if one.model == name)
        for name in ("challenger", "cold_start_rule")
    )
    rows = table(page, "Challenger and cold-start rule").rows
    for row, metric in zip(rows[:2], ("auc", "pr_auc"), strict=True):
        assert row[1:3] == [with_ends(one.metrics[metric]) for one in (own, rule)]
        (check,) = [
            one
            for one in review.checks
            if (one.name, one.slice) == (f"{metric} against the cold_start_rule", "overall")
        ]
        assert check.value is not None
        assert float(row[3].split()[0].replace(MINUS, "-")) == pytest.approx(check.value, abs=6e-5)
    counted = {(one.model, one.first): one.churned for one in review.first_accounts}
    for row, first in zip(rows[2:], (50, 100, 200), strict=True):
        assert row[0] == f"Churned among the first {first}"
        for cell, model in zip(row[1:3], ("challenger", "cold_start_rule"), strict=True):
            assert float(cell) == pytest.approx(counted[model, first], abs=0.06)
        (apart,) = [
            one.churned
            for one in review.first_differences
            if (one.other, one.first) == ("cold_start_rule", first)
        ]
        assert float(row[3].split()[0].replace(MINUS, "-")) == pytest.approx(apart, abs=0.06)


def test_confusion_counts(shown: tuple[Review, str]) -> None:
    review, page = shown
    found = review.thresholds
    assert found is not None
    rows = table(page, "Flagged accounts of the evaluation set").rows
    assert [row[1:6] for row in rows] == [
        [
            f"{count:,}"
            for count in (one.flagged, one.churned, one.false_alarms, one.missed, one.left_alone)
        ]
        for one in found.cuts
    ]
    assert [row[6:] for row in rows] == [
        [with_ends(one, percent) for one in (cut.precision, cut.recall, cut.false_alarm_rate)]
        for cut in found.cuts
    ]


def test_what_changed(shown: tuple[Review, str]) -> None:
    review, page = shown
    found = review.changes
    assert found is not None
    volume, settings = table(page, "Now, and at the last"), table(page, "Settings that differ")
    for shown_table, changes in ((volume, found.volume), (settings, found.settings)):
        assert shown_table.rows == [
            [one.name, *(DASH if text == "-" else text for text in (one.before, one.now))]
            for one in changes
        ]
    assert table(page, "Drift by feature").rows == [
        [one.feature, one.now, one.base, four(one.distance), four(one.limit), one.verdict]
        for one in found.drift
    ]


def test_data_checks(shown: tuple[Review, str]) -> None:
    review, page = shown
    rows = table(page, f"All {len(review.data_checks)} data checks").rows
    assert [(row[0], *row[2:]) for row in rows] == [
        (words(f"{one.name} {one.message}"), found_text(one.found), one.threshold, one.verdict)
        for one in review.data_checks
    ]


def found_text(found: Any) -> str:
    if isinstance(found, float):
        return four(found)
    return DASH if found is None else f"{found:,}" if isinstance(found, int) else found


def test_scores_now_and_before(shown: tuple[Review, str]) -> None:
    review, page = shown
    found = review.accounts
    assert found is not None
    assert found.before is not None
    before = dict(found.before.categories)
    assert table(page, "Accounts by risk band").rows == [
        [
            name,
            *(f"{count:,}", percent(count / found.after.accounts)),
            *(f"{before[name]:,}", percent(before[name] / found.before.accounts)),
        ]
        for name, count in found.after.categories
    ]
    bins = table(page, "Accounts by probability").rows
    assert [row[1] for row in bins] == [f"{count:,}" for count in found.after.histogram]
    assert [row[3] for row in bins] == [f"{count:,}" for count in found.before.histogram]


def test_who_moves(shown: tuple[Review, str]) -> None:
    review, page = shown
    found = review.accounts
    assert found is not None
    moved = table(page, "Transitions")
    counts = {
        (row[0], name): count
        for row in moved.rows
        for name, count in zip(moved.columns[1:], row[1:], strict=True)
    }
    for before, after, count in found.band_transitions:
        assert counts.pop((before, after)) == f"{count:,}"
    assert set(counts.values()) <= {"0"}
    assert table(page, f"The {len(found.largest_changes)} accounts").rows == [
        [
            *(one.account_id, percent(one.before), percent(one.after)),
            *(one.category_before, one.category_after),
        ]
        for one in found.largest_changes
    ]


def test_what_drives_it(shown: tuple[Review, str]) -> None:
    review, page = shown
    assert table(page, "Permutation importance").rows == [
        [
            *(one.words, f"{one.features}"),
            *(with_ends(one.auc_lost, signed), with_ends(one.log_loss_added, signed)),
        ]
        for one in review.importance
    ]
    assert table(page, "Mean contribution").rows == [
        [one.words, times(one.mean_absolute), times(one.mean), percent(one.raises)]
        for one in review.contributions
    ]


def test_where_it_comes_from(shown: tuple[Review, str]) -> None:
    review, page = shown
    rows = table(page, "Splits by time").rows
    assert [[row[0], *row[3:6]] for row in rows] == [
        [
            *(one.name, f"{one.cutoffs}", f"{one.examples:,}"),
            DASH if one.churned is None else f"{one.churned:,}",
        ]
        for one in review.splits
    ]
    assert rows[0][1:3] == ["2025-10-16 00:00 UTC", "2026-02-05 00:00 UTC"]
    took = table(page, "Components").rows
    assert [(row[0], row[3]) for row in took] == [
        (one.name, one.outcome) for one in review.components
    ]
    assert [row[2] for row in took] == [
        "not known" if one.peak_mib is None else f"{one.peak_mib:,.0f} MiB"
        for one in review.components
    ]


def test_facts_and_settings(shown: tuple[Review, str]) -> None:
    review, page = shown
    text = words(re.sub(r"<[^>]+>", " ", page.replace("&#39;", "'").replace("&#34;", '"')))
    for one in (*review.data_facts, *review.settings):
        assert words(one.value) in text, one.name


def all_cells(found: list[Table]) -> Iterator[str]:
    for one in found:
        for row in one.rows:
            yield from row


def test_no_table_holds_what_is_no_text_for_people() -> None:
    for make in (blessed, not_blessed):
        assert not {"None", "nan", "inf", "True", "False"} & set(all_cells(tables(page_of(make))))


def test_a_number_that_is_wrong_would_be_seen() -> None:
    review = blessed()
    assert review.gains is not None
    page = page_of(blessed).replace(f">{review.gains.contacts_for_half[0].accounts:,}<", ">1<")
    with pytest.raises(AssertionError):
        test_contacts_and_lift((review, page))
