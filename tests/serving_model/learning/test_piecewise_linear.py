"""The encoding of numbers: what a bin says, and columns without many values."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from serving_model.learning.piecewise_linear import LEAST_DEVIATION, Bins, encoded_layer, find_bins
from tests.property_tests import cases

BINS = 10


def encoded(bins: Bins, features: np.ndarray) -> np.ndarray:
    """The encoded columns, [batch, P]: a layer of one member that hands them on."""
    size = len(bins.column)
    kernel = np.eye(size, dtype=np.float32)[:, None, :]
    bias = np.zeros((1, size), np.float32)
    return encoded_layer(bins, features.T, kernel, bias).numpy()[:, 0]


def test_a_column_bends_at_its_quantiles() -> None:
    features = np.arange(101, dtype=np.float32)[:, None]
    bins = find_bins(features, BINS)
    np.testing.assert_allclose(bins.lower, np.arange(0, 100, 10))
    np.testing.assert_allclose(bins.width, [10] * BINS)
    found = encoded(bins, np.array([[-5], [25], [105], [900]], np.float32))
    plain = found * bins.deviation + bins.mean
    inside = [1, 1, 0.5, *[0] * (BINS - 3)]
    beyond = [[-0.5, *[0] * (BINS - 1)], [*[1] * (BINS - 1), 1.5], [*[1] * (BINS - 1), 3]]
    expected = [beyond[0], inside, *beyond[1:]]
    np.testing.assert_allclose(plain, expected, atol=1e-6)


def test_a_column_of_two_values_has_one_bin_and_a_constant_none() -> None:
    features = np.zeros((100, 3), np.float32)
    features[:3, 1] = 1  # rarer than any quantile but the last
    features[:, 2] = 7
    bins = find_bins(features, BINS)
    np.testing.assert_array_equal(bins.column, [1])
    assert bins.deviation[0] >= LEAST_DEVIATION


@settings(max_examples=cases(100), deadline=None)
@given(
    arrays.arrays(
        np.float32,
        st.tuples(st.integers(2, 40), st.integers(1, 4)),
        elements=st.floats(-6, 6, width=32),
    )
)
def test_whatever_the_columns_the_encoding_is_finite_and_rises(features: np.ndarray) -> None:
    bins = find_bins(features, BINS)
    low, high = (np.full_like(features[:1], value) for value in (-7, 7))
    for rows in (features, low, high):
        assert np.isfinite(encoded(bins, rows)).all()
    assert (encoded(bins, high) >= encoded(bins, low)).all()
