"""All models' predictions, account by account, as a file."""

from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from bench.limit import read_predictions
from bench.prediction_file import write_predictions
from bench.score_table import OURS

ACCOUNTS = ["acct-1", 'odd, "name"']
FOUND = {OURS: np.array([0.25, 0.5]), "logistic regression": np.array([0.125, 1 / 3])}


@pytest.mark.parametrize("name", ["p.parquet", "p.csv"])
def test_a_row_for_each_account(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    write_predictions(file, ACCOUNTS, np.array([0.0, 1.0]), FOUND)
    if name.endswith(".csv"):
        assert read_predictions(file) == dict(zip(ACCOUNTS, FOUND[OURS].tolist(), strict=True))
        return
    assert pyarrow.parquet.read_table(file).to_pydict() == {
        "account_id": ACCOUNTS,
        "label": [0, 1],
        "churn_probability": [0.25, 0.5],
        "logistic_regression": [0.125, 1 / 3],
    }
