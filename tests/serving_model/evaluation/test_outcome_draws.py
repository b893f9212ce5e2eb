"""Draws of outcomes are measured as outcomes are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving_model.evaluation import metrics
from serving_model.evaluation.outcome_draws import cells_of, drawn_churned, drawn_metrics
from serving_model.evaluation.recalibration import recalibration
from tests.property_tests import cases

FUNCTIONS = {
    "auc": metrics.auc,
    "pr_auc": metrics.average_precision,
    "log_loss": metrics.log_loss,
    "brier": metrics.brier_score,
    "calibration_error": metrics.expected_calibration_error,
}
VALUES = st.one_of(st.floats(0.01, 0.99), st.sampled_from([0.1, 0.3, 0.3, 0.6]))


@settings(max_examples=cases(100))
@given(st.lists(st.tuples(VALUES, st.integers(0, 1), st.integers(0, 2)), min_size=2, max_size=40))
def test_metrics_of_a_draw_are_those_of_its_labels(accounts: list) -> None:
    # Bands of another horizon do not follow this one's probabilities.
    found, labels, bands = np.array(accounts).round(6).T
    bands = bands.astype(np.int64)
    cells = cells_of(found, found, np.zeros(len(found), bool), bands)
    of_cell = np.isclose(found[:, None], cells.probability, rtol=0, atol=1e-9)
    of_cell &= bands[:, None] == cells.band
    assert (of_cell.sum(axis=1) == 1).all()
    churned = (labels @ of_cell)[None, :]
    for name, drawn in drawn_metrics(cells, churned).items():
        assert drawn[0] == pytest.approx(FUNCTIONS[name](labels, found), abs=1e-9, nan_ok=True)
    for code in (0, 1, 2):
        own = cells.band == code
        assert cells.accounts[own].sum() == (bands == code).sum()


def test_many_accounts_are_measured_in_few_cells_nearly_as_one_by_one() -> None:
    random = np.random.default_rng(2)
    found = np.round(random.beta(0.6, 9, 30_000), 5)
    labels = (random.random(30_000) < found).astype(float)
    order = np.argsort(found, kind="stable")
    cells = cells_of(found, found, np.zeros(30_000, bool), np.zeros(30_000, np.int64))
    assert len(cells.accounts) < 300
    churned = np.add.reduceat(labels[order], np.r_[0, np.cumsum(cells.accounts)[:-1]])[None, :]
    for name, drawn in drawn_metrics(cells, churned).items():
        # PR AUC has a step for each cell, where one by one it has many.
        most = 0.005 if name == "pr_auc" else 5e-4
        assert drawn[0] == pytest.approx(FUNCTIONS[name](labels, found), abs=most)


def test_who_has_left_has_left_in_every_draw() -> None:
    found = np.linspace(0.01, 0.5, 1_000)
    left = np.arange(1_000) % 7 == 0
    cells = cells_of(found, found, left, np.zeros(1_000, np.int64))
    belief = recalibration(None, centre=-1)
    churned = drawn_churned(cells, belief, 50, 3)
    assert (churned >= cells.left).all()
    assert (churned <= cells.accounts).all()
    assert cells.left.sum() == left.sum()
    assert (drawn_churned(cells, belief, 50, 3) == churned).all()
