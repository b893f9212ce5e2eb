"""What every model says of every test account, in a file for comparisons of one's own."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from bench.score_table import OURS
from transforms.arrays import Floats

PARQUET = ".parquet"


def write_predictions(
    file: Path, accounts: Sequence[str], labels: Floats, probabilities: Mapping[str, Floats]
) -> None:
    """Writes a row for each account: Parquet if the name ends so, else CSV.

    The columns are account_id, label, churn_probability (ours, as bench/limit.py reads it) and one
    for each other model, with underscores for spaces.

    Args:
        file: To write; an earlier one is replaced.
        accounts: The n test accounts.
        labels: 0 or 1, [n].
        probabilities: By model, [n] each.
    """
    columns = {"account_id": pa.array(accounts, pa.string()), "label": pa.array(labels, pa.int8())}
    for model, found in probabilities.items():
        name = "churn_probability" if model == OURS else model.replace(" ", "_")
        columns[name] = pa.array(found, pa.float64())
    table = pa.table(columns)
    if file.suffix == PARQUET:
        pyarrow.parquet.write_table(table, file)
    else:
        pyarrow.csv.write_csv(table, file)
