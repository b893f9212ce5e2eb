"""The first accounts by probability, counted by hand and resampled in the plain way."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving_model.evaluation.paired_bootstrap import draws
from serving_model.evaluation.ranking import first_accounts, ranked, reached
from tests.property_tests import cases

ROWS = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.1, 0.2, 0.5, 0.9])), min_size=2, max_size=30
)


def over_all_orders(labels: np.ndarray, found: np.ndarray, count: int) -> float:
    """Churned accounts among the first, the mean over random orders of equal probabilities."""
    random = np.random.default_rng(1)
    counted = []
    for _ in range(2_000):
        order = np.lexsort((random.random(len(found)), -found))
        counted.append(labels[order][:count].sum())
    return float(np.mean(counted))


@settings(max_examples=cases(12))
@given(ROWS, st.integers(1, 29))
def test_of_equal_probabilities_the_mean_over_their_orders_counts(
    rows: list[tuple[int, float]], count: int
) -> None:
    labels, found = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    counted, _ = first_accounts(labels, {"one": found}, [count])
    if count >= len(labels):
        assert counted == []
        return
    (one,) = counted
    assert one.churned == pytest.approx(over_all_orders(labels, found, count), abs=0.15)
    assert one.precision == one.churned / count
    assert one.recall == pytest.approx(one.churned / max(1, labels.sum()))


def test_intervals_are_those_of_the_whole_ranking_on_the_gates_resamples() -> None:
    """It looks at the beginning of each ranking alone, and that is enough."""
    random = np.random.default_rng(3)
    found = random.random(4_000)
    labels = (random.random(4_000) < found / 5).astype(np.float64)
    other = np.round(found, 1)
    counted, differences = first_accounts(labels, {"one": found, "other": other})
    weights = np.concatenate(list(draws(4_000)))
    replicates = {}
    for name, probabilities in (("one", found), ("other", other)):
        order, ends = ranked(probabilities)
        points = np.full((len(weights), 1), 100.0)
        replicates[name] = reached(labels[order], ends, weights[:, order], points)[0][:, 0]
    (own,) = [one for one in counted if (one.model, one.first) == ("one", 100)]
    expected = np.quantile(replicates["one"] / 100, [0.025, 0.975])
    assert own.precision_interval == pytest.approx(tuple(expected))
    churned = weights @ labels
    expected = np.quantile(replicates["one"] / churned, [0.025, 0.975])
    assert own.recall_interval == pytest.approx(tuple(expected), rel=1e-5)
    (of_other,) = [one for one in counted if (one.model, one.first) == ("other", 100)]
    (apart,) = [one for one in differences if one.first == 100]
    expected = np.quantile(replicates["one"] - replicates["other"], [0.025, 0.975])
    assert apart.interval == pytest.approx(tuple(expected))
    assert apart.churned == pytest.approx(own.churned - of_other.churned)


def test_where_nobody_churned_there_is_no_recall_and_no_error() -> None:
    counted, _ = first_accounts(np.zeros(300), {"one": np.linspace(0, 1, 300)})
    assert [(one.churned, one.recall, one.recall_interval) for one in counted] == [
        (0, 0, None),
        (0, 0, None),
        (0, 0, None),
    ]
