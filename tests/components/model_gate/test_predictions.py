"""predictions.parquet gives back what was written, to the last bit."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow.parquet
from hypothesis import given
from hypothesis import strategies as st

from components.model_gate.predictions import Predictions, Seen, read_predictions, write_predictions
from components.model_gate.slice_checks import Traits

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=5)
ROWS = st.lists(
    st.tuples(TEXT, st.integers(0, 1), st.floats(0, 1), TEXT, TEXT, TEXT),
    min_size=1,
    max_size=20,
)


@given(ROWS)
def test_what_is_read_is_what_was_written(rows: list[tuple[object, ...]]) -> None:
    accounts, labels, found, tiers, regions, states = zip(*rows, strict=True)
    given_ = Predictions(
        np.array(accounts, dtype=np.str_),
        np.array(labels, dtype=np.float64),
        {"challenger": np.array(found), "constant": np.full(len(rows), 0.1 + 0.2)},
        Traits(
            np.array(tiers, dtype=np.str_),
            np.array(regions, dtype=np.str_),
            np.array(states, dtype=np.str_),
        ),
        {30: np.array(found) / 2, 120: np.array(found)},
        Seen(np.array(labels) * 40.5 - 1, np.full(len(rows), 60.25)),
    )
    with TemporaryDirectory() as folder:
        write_predictions(folder, given_)
        read = read_predictions(folder)
    assert read.accounts.tolist() == given_.accounts.tolist()
    assert list(read.models) == ["challenger", "constant"]
    assert list(read.horizons) == [30, 120]
    columns = zip(
        (read.labels, *read.models.values(), *read.traits, *read.horizons.values(), *read.seen),
        (
            given_.labels,
            *given_.models.values(),
            *given_.traits,
            *given_.horizons.values(),
            *given_.seen,
        ),
        strict=True,
    )
    for one, other in columns:
        assert one.dtype.kind == other.dtype.kind
        assert one.tolist() == other.tolist() or one.tobytes() == other.tobytes()


def test_the_file_is_plain_for_others(tmp_path: Path) -> None:
    text, days = np.array(["pro"]), np.array([3.0])
    one = Predictions(
        np.array(["A"]),
        np.ones(1),
        {"m": days / 10},
        Traits(text, text, text),
        {30: days / 10},
        Seen(days, days),
    )
    write_predictions(str(tmp_path), one)
    table = pyarrow.parquet.read_table(tmp_path / "predictions.parquet")
    assert {field.name: str(field.type) for field in table.schema} == {
        "account_id": "string",
        "churned": "int64",
        "m": "double",
        "tier": "string",
        "region": "string",
        "state": "string",
        "within_days_30": "double",
        "days_to_churn": "double",
        "days_observed": "double",
    }
