"""The rule against hand-computed scores, and the weights that it takes."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.product_area_impact import SIGNALS, PairCounts, Weights, area_impacts

ENTERPRISE = ("enterprise",)
BY_HAND = {"rel": 0, "abs": 1e-9}


def pair(area: str, segment: str, feedback: int, negative: int = 0, **counts: int) -> PairCounts:
    rest = {"positive": 0, "critical": 0, "p5": 0, "recent": 0} | counts
    return PairCounts(area, segment, feedback, negative, **rest)


def scores(*pairs: PairCounts, weights: Weights | None = None) -> dict[tuple[str, str], float]:
    impacts = area_impacts(pairs, weights or Weights(), ENTERPRISE)
    return {(i.counts.product_area, i.counts.segment): i.priority_score for i in impacts}


@pytest.mark.parametrize(("segment", "expected"), [("enterprise", 57.5), ("pro", 42.5)])
def test_one_pair_only_is_in_the_middle_of_every_count(segment: str, expected: float) -> None:
    alone = pair("billing", segment, 40, 12, positive=20, critical=9, p5=3, recent=5)
    assert scores(alone) == {("billing", segment): pytest.approx(expected, **BY_HAND)}


def test_where_all_counts_are_equal_the_segment_decides() -> None:
    counts = {"positive": 1, "critical": 2, "p5": 1, "recent": 3}
    found = scores(*(pair("billing", tier, 7, 4, **counts) for tier in ("enterprise", "free", "x")))
    assert found == {
        ("billing", "enterprise"): pytest.approx(57.5, **BY_HAND),
        ("billing", "free"): pytest.approx(42.5, **BY_HAND),
        ("billing", "x"): pytest.approx(42.5, **BY_HAND),
    }


def test_an_area_without_the_enterprise_segment() -> None:
    """Levels by hand: (10, 4, 2), (6, 0, 1) and (2, 1, 0) rows, negative and critical."""
    found = scores(
        pair("billing", "enterprise", 10, 4, critical=2, p5=1, recent=3),
        pair("billing", "free", 6, 0, critical=1, p5=1, recent=0),
        pair("security", "free", 2, 1, critical=0, p5=0, recent=2),
    )
    assert found == {
        ("billing", "enterprise"): pytest.approx(100, **BY_HAND),
        # .15 x 4/8 + .20 x 1/2 + .15 x 1
        ("billing", "free"): pytest.approx(7.5 + 10 + 15, **BY_HAND),
        # .25 x 1/4 + .10 x 2/3
        ("security", "free"): pytest.approx(6.25 + 20 / 3, **BY_HAND),
    }


def test_a_pair_with_recent_rows_only() -> None:
    found = scores(
        pair("new", "pro", 3, 0, positive=3, recent=3),
        pair("old", "pro", 9, 2, critical=1, p5=0),
    )
    assert found == {
        ("old", "pro"): pytest.approx(15 + 25 + 20 + 7.5, **BY_HAND),
        ("new", "pro"): pytest.approx(7.5 + 10, **BY_HAND),
    }


def test_no_pairs_have_no_scores() -> None:
    assert area_impacts([], Weights(), ENTERPRISE) == []


def test_average_sentiment_is_damped_by_one_row() -> None:
    assert pair("a", "b", 9, 6, positive=1).avg_sentiment_score == pytest.approx(-0.5, abs=1e-12)
    assert pair("a", "b", 0).avg_sentiment_score == 0


def test_contributions_explain_the_score_largest_first() -> None:
    impacts = area_impacts(
        [pair("billing", "enterprise", 9, 3, recent=1), pair("ui_ux", "free", 1)],
        Weights(),
        ENTERPRISE,
    )
    assert impacts[0].explain() == (
        "billing / enterprise: 82.5 = negative_sentiment 25.0 + feedback_volume 15.0 + "
        "enterprise_segment 15.0 + critical_feedback 10.0 + recent_feedback 10.0 + p5_feedback 7.5"
    )


def test_several_segments_can_count_as_enterprise() -> None:
    pairs = [pair("a", "enterprise", 1), pair("a", "strategic", 1), pair("a", "pro", 1)]
    impacts = area_impacts(pairs, Weights(), ("enterprise", "strategic"))
    found = [impact.contributions["enterprise_segment"] for impact in impacts]
    assert found == pytest.approx([15, 15, 0])
    # Equal scores come by name, so that a ranking is the same every time.
    assert [impact.counts.segment for impact in impacts] == ["enterprise", "strategic", "pro"]


many_counts = st.integers(0, 2**31 - 1)
any_pairs = st.lists(
    st.builds(
        PairCounts,
        st.text(min_size=1),
        st.sampled_from(["enterprise", "pro"]),
        *[many_counts] * 6,
    ),
    max_size=30,
)
any_weights = (
    st.lists(st.floats(0, 1e6), min_size=6, max_size=6)
    .filter(lambda values: sum(values) > 1e-3)
    .map(lambda values: [value / math.fsum(values) for value in values])
    .map(lambda values: Weights(*values))
)


@given(any_pairs, any_weights)
def test_scores_stay_in_the_domain_and_are_the_sum_of_contributions(
    pairs: list[PairCounts], weights: Weights
) -> None:
    impacts = area_impacts(pairs, weights, ENTERPRISE)
    assert len(impacts) == len(pairs)
    for impact in impacts:
        assert 0 <= impact.priority_score <= 100
        assert set(impact.contributions) == set(SIGNALS)
        assert min(impact.contributions.values()) >= 0
        total = sum(impact.contributions.values())
        assert impact.priority_score == pytest.approx(total, **BY_HAND)
    assert impacts == sorted(impacts, key=lambda impact: -impact.priority_score)


def test_weights_a_little_over_one_do_not_exceed_the_domain() -> None:
    weights = Weights(feedback_volume=0.15 + 9e-10)
    assert (
        scores(
            pair("a", "enterprise", 2, 2, critical=2, p5=2, recent=2),
            pair("a", "pro", 1),
            weights=weights,
        )[("a", "enterprise")]
        == 100
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"negative_sentiment": -0.25, "feedback_volume": 0.65}, ">= 0, not negative_sentiment=-"),
        ({"negative_sentiment": math.nan}, ">= 0, not negative_sentiment=nan"),
        ({"negative_sentiment": math.inf}, ">= 0, not negative_sentiment=inf"),
        ({"negative_sentiment": "0.25"}, ">= 0, not negative_sentiment='0.25'"),
        ({"negative_sentiment": 0.25 + 2e-9}, "sum to 1"),
        ({"negative_sentiment": 0.25 - 2e-9}, "sum to 1"),
    ],
)
def test_what_is_no_set_of_weights_is_refused(changes: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Weights(**changes)


def test_a_mapping_must_name_every_signal_and_no_other() -> None:
    full = Weights().as_dict()
    assert Weights.from_mapping(full) == Weights()
    with pytest.raises(ValueError, match="no signal 'sentiment'; the signals are feedback_volume"):
        Weights.from_mapping(full | {"sentiment": 0.0})
    del full["p5_feedback"]
    with pytest.raises(ValueError, match="p5_feedback is missing"):
        Weights.from_mapping(full)


def test_changing_some_weights_scales_the_others_in_proportion() -> None:
    changed = Weights().changed({"negative_sentiment": 0.4})
    assert changed.as_dict() == pytest.approx(
        {
            "feedback_volume": 0.12,
            "negative_sentiment": 0.4,
            "critical_feedback": 0.16,
            "p5_feedback": 0.12,
            "recent_feedback": 0.08,
            "enterprise_segment": 0.12,
        },
        abs=1e-12,
    )
    assert Weights().changed({}) == Weights()
    only = Weights().changed({"recent_feedback": 1.0})
    assert only.as_dict() == dict.fromkeys(SIGNALS, 0.0) | {"recent_feedback": 1.0}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"nonsense": 0.4}, "no signal 'nonsense'"),
        ({"negative_sentiment": 0.7, "p5_feedback": 0.4}, "alone exceed it"),
        ({"negative_sentiment": -0.1}, ">= 0"),
        ({"negative_sentiment": math.nan}, ">= 0"),
        (dict.fromkeys(SIGNALS, 0.1), "sum to 1"),
    ],
)
def test_a_change_that_leaves_no_set_of_weights_is_refused(
    changes: dict[str, float], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        Weights().changed(changes)


def test_nothing_can_be_shared_among_weights_of_zero() -> None:
    weights = Weights(*[0.0] * 5, 1.0)
    with pytest.raises(ValueError, match="leave 0.5 to share, but feedback_volume.* weigh 0"):
        weights.changed({"enterprise_segment": 0.5})


def test_the_version_names_the_set_of_weights() -> None:
    assert Weights().version() == Weights.from_mapping(Weights().as_dict()).version()
    assert len(Weights().version()) == len("weights-") + 8
    swapped = Weights(feedback_volume=0.25, negative_sentiment=0.15)
    assert swapped.version() != Weights().version()
    assert Weights(*[0] * 5, 1).version() == Weights(*[-0.0] * 5, 1.0).version()
