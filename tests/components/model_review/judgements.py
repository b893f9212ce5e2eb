"""Accounts with labels and probabilities, as the gate leaves them in predictions.parquet."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy.special import expit, logit

from components.model_gate.predictions import Predictions, Seen
from components.model_gate.slice_checks import Traits

PAIRS = st.lists(
    st.tuples(st.integers(0, 1), st.one_of(st.floats(0.001, 0.999), st.sampled_from([0.1, 0.5]))),
    min_size=2,
    max_size=20,
).filter(lambda pairs: len({label for label, _ in pairs}) == 2)
"""(label, probability) of a few accounts, some of them equal; some left and some stayed."""


def predictions(labels: Any, **models: Any) -> Predictions:
    """What a gate would keep of these accounts."""
    accounts = np.array([f"ACC-{number:05d}" for number in range(len(labels))])
    text = np.full(len(labels), "pro")
    found = {name: np.array(one, dtype=np.float64) for name, one in models.items()}
    truth = np.array(labels, dtype=np.float64)
    return Predictions(
        accounts,
        truth,
        found,
        Traits(text, text, text),
        {60: found["challenger"]},
        Seen(np.where(truth == 1, 20.0, -1.0), np.full(len(truth), 60.0)),
    )


def drawn(accounts: int, seed: int = 1) -> Predictions:
    """Accounts that leave as the challenger says; the champion knows less, the constant naught."""
    random = np.random.default_rng(seed)
    found = expit(-2 + 1.2 * random.normal(size=accounts))
    labels = random.random(accounts) < found
    champion = expit(logit(found) + random.normal(size=accounts))
    return predictions(
        labels, challenger=found, champion=champion, constant=np.full(accounts, 0.15)
    )
