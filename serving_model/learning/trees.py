"""Gradient-boosted trees as plain TensorFlow: they find interactions that a small network misses.

scikit-learn's HistGradientBoostingClassifier fits them (Friedman 2001, "Greedy function
approximation: a gradient boosting machine"; histograms as in LightGBM, Ke and others 2017). What is
served are its splits and leaves as arrays, so that no operation is needed that TensorFlow lacks.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from serving_model.learning.linear_hazards import base_log_odds
from serving_model.learning.person_periods import PersonPeriods
from transforms.arrays import Floats, Floats32

TREES: Final = 60
"""That are fitted; how many of them count is chosen on what was held back."""
TREE_STEP: Final = 5
"""Numbers of trees that are tried are multiples of this."""
LEAVES: Final = 8
LEARNING_RATE: Final = 0.12
BINS: Final = 32
"""Of a column, among whose ends a split chooses."""
LEAF_EXAMPLES: Final = 40
LEAF_L2: Final = 5.0
COLUMN_SHARE: Final = 0.3
"""Of the columns, those that a split chooses among."""
MOST_EXAMPLES: Final = 50_000
"""With more, trees are fitted on some of them, evenly spread: so many show an interaction."""
_NEVER: Final = 1e9
_BATCH: Final = 2048


class Trees(NamedTuple):
    """T trees of at most L leaves, and what they add to the log-odds of K hazards."""

    column: NDArray[np.int32]
    """[T, L - 1], of each split."""
    threshold: Floats32
    """[T, L - 1]: values up to it go left."""
    path: Floats32
    """[T, L - 1, L]: 1 where a leaf lies left of a split, -1 right of it, 0 for neither."""
    depth: Floats32
    """[T, L]: splits above each leaf; never reached for a leaf that a tree does not have."""
    value: Floats32
    """[T, L]: log-odds that a leaf adds."""
    added: Floats32
    """[T, L, columns]: what the splits above a leaf add up to, by their columns, from the mean of
    the tree on; the way of Saabas 2014 ("Interpreting random forests")."""
    start: Floats32
    """[K]: log-odds of the hazards without any tree."""

    def first(self, count: int) -> "Trees":
        """Returns the model of the first trees, which is what boosting had after them."""
        kept: dict[str, Any] = {name: getattr(self, name)[:count] for name in self._fields[:-1]}
        return self._replace(**kept)


def fit_trees(
    features: NDArray[np.float32],
    labels: NDArray[np.float32],
    periods: PersonPeriods,
    seed: int,
) -> Trees:
    """Fits trees to the label; the same examples and seed give the same trees.

    Args:
        features: [n, columns].
        labels: Whether the account was lost by the target horizon, 0 or 1, [n]; of one kind alone
            nothing is learnt.
        periods: Of the same n examples, K periods: hazards start at their base rates, and trees
            move all of them alike.
        seed: Of the columns that splits choose among.
    """
    # A second to import, and only training needs it.
    from sklearn.ensemble import HistGradientBoostingClassifier

    rows = slice(None, None, -(-len(features) // MOST_EXAMPLES))
    start = base_log_odds(periods)
    if len(np.unique(labels[rows])) < 2:
        return _bare_trees(features.shape[1], start)
    model = HistGradientBoostingClassifier(
        learning_rate=LEARNING_RATE,
        max_iter=TREES,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=LEAF_EXAMPLES,
        l2_regularization=LEAF_L2,
        max_features=COLUMN_SHARE,
        max_bins=BINS,
        early_stopping=False,
        random_state=seed,
    )
    # Sums over several threads would depend on their number.
    with threadpool_limits(limits=1, user_api="openmp"):
        model.fit(features[rows], labels[rows] > 0)
    nodes = [trees[0].nodes for trees in model._predictors]
    parts = [_tree(one, features.shape[1]) for one in nodes]
    stacked: dict[str, Any] = {
        name: np.stack(part)
        for name, part in zip(Trees._fields[:-1], zip(*parts, strict=True), strict=True)
    }
    return Trees(**stacked, start=start)


def _bare_trees(columns: int, start: Floats32) -> Trees:
    """Trees of one leaf that add nothing."""
    depth = np.full((TREES, LEAVES), _NEVER, np.float32)
    depth[:, 0] = 0
    return Trees(
        column=np.zeros((TREES, LEAVES - 1), np.int32),
        threshold=np.zeros((TREES, LEAVES - 1), np.float32),
        path=np.zeros((TREES, LEAVES - 1, LEAVES), np.float32),
        depth=depth,
        value=np.zeros((TREES, LEAVES), np.float32),
        added=np.zeros((TREES, LEAVES, columns), np.float32),
        start=start,
    )


def reached_leaves(trees: Trees, features: tf.Tensor) -> tf.Tensor:
    """Returns 1 for the leaf of each tree that an account falls into, else 0: [batch, T, L]."""
    chosen = tf.gather(tf.transpose(features), trees.column.ravel())
    side = tf.where(chosen <= trees.threshold.reshape(-1, 1), 1.0, -1.0)
    side = tf.reshape(side, [*trees.column.shape, -1])
    met = tf.einsum("tin,til->ntl", side, trees.path)
    return tf.cast(met > trees.depth - 0.5, tf.float32)


def tree_log_odds(trees: Trees, features: tf.Tensor) -> tf.Tensor:
    """Returns the log-odds of the hazards, [batch, K], as they are served."""
    leaves = reached_leaves(trees, features)
    return tf.reduce_sum(leaves * trees.value, axis=[1, 2])[:, None] + trees.start


def log_odds_of(trees: Trees, features: NDArray[np.float32]) -> Floats:
    """Returns the log-odds of the hazards, float64 [n, K]."""
    return _sums(trees, features)[:, -1:] + trees.start


def log_odds_by_count(trees: Trees, features: NDArray[np.float32]) -> dict[int, Floats]:
    """Returns by number of trees the log-odds of the hazards, float64 [n, K]."""
    sums = _sums(trees, features)
    counts = range(TREE_STEP, len(trees.value) + 1, TREE_STEP)
    return {count: sums[:, count - 1 : count] + trees.start for count in counts}


def _sums(trees: Trees, features: NDArray[np.float32]) -> Floats:
    """What the trees up to each one add, float64 [n, T]."""
    found = []
    for part in np.array_split(features, max(1, -(-len(features) // _BATCH))):
        leaves = reached_leaves(trees, tf.constant(part)).numpy()
        found.append(np.cumsum((leaves * trees.value).sum(axis=2), axis=1, dtype=np.float64))
    return np.concatenate(found)


def _tree(nodes: NDArray[Any], columns: int) -> tuple[NDArray[Any], ...]:
    """The arrays of one tree, as Trees has them."""
    column = np.zeros(LEAVES - 1, np.int32)
    threshold = np.zeros(LEAVES - 1, np.float32)
    path = np.zeros((LEAVES - 1, LEAVES), np.float32)
    depth = np.full(LEAVES, _NEVER, np.float32)
    value = np.zeros(LEAVES, np.float32)
    added = np.zeros((LEAVES, columns), np.float32)
    means = _means(nodes)
    splits = np.cumsum(~nodes["is_leaf"].astype(bool)) - 1
    for leaf, way in enumerate(_ways(nodes)):
        for node, below in pairwise(way):
            split, feature = splits[node], nodes[node]["feature_idx"]
            column[split] = feature
            threshold[split] = _below(nodes[node]["num_threshold"])
            path[split, leaf] = 1 if below == nodes[node]["left"] else -1
            added[leaf, feature] += means[below] - means[node]
        depth[leaf], value[leaf] = len(way) - 1, nodes[way[-1]]["value"]
    return column, threshold, path, depth, value, added


def _ways(nodes: NDArray[Any]) -> Iterator[list[int]]:
    """Yields the nodes from the root to each leaf."""
    open_ways = [[0]]
    while open_ways:
        way = open_ways.pop()
        node = nodes[way[-1]]
        if node["is_leaf"]:
            yield way
        else:
            open_ways += [[*way, int(node["left"])], [*way, int(node["right"])]]


def _means(nodes: NDArray[Any]) -> Floats:
    """Mean value of the leaves below each node, by their examples."""
    means = nodes["value"].astype(np.float64)
    for place in range(len(nodes))[::-1]:  # children come after their parents
        node = nodes[place]
        if not node["is_leaf"]:
            sides = [int(node["left"]), int(node["right"])]
            means[place] = np.average(means[sides], weights=nodes["count"][sides])
    return means


def _below(threshold: float) -> np.float32:
    """The largest float32 that is no larger: of float32 values, the same ones go left."""
    nearest = np.float32(threshold)
    return nearest if nearest <= threshold else np.nextafter(nearest, np.float32(-np.inf))
