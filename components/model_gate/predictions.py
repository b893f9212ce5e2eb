"""What the gate judged, account by account: predictions.parquet beside decision.json."""

import os
from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray
from tfx.dsl.io import fileio

from components.model_gate.slice_checks import Traits
from transforms.arrays import Booleans, Floats

FILE: Final = "predictions.parquet"
ACCOUNT_ID: Final = "account_id"
CHURNED: Final = "churned"
_WITHIN: Final = "within_days_"
"""Begins the columns of the challenger's horizons."""


class Seen(NamedTuple):
    """What became of the accounts, as far as the evaluation set saw it, [n] each."""

    days_to_churn: Floats
    """Days from the cutoff until the account was lost; -1 where no loss was seen."""
    days_observed: Floats
    """Days from the cutoff of which anything is known."""

    def closed(self, days: int) -> Booleans:
        """Tells of which accounts a window of so many days was seen to its end, bool [n].

        Accounts that were lost within a window whose end was not seen are left out too: to keep
        these, and to drop those that may still be lost, would overstate the rate.
        """
        return self.days_observed >= days

    def lost(self, days: int) -> Floats:
        """Returns 1 for the accounts that were lost within so many days, else 0, [n]."""
        within = (self.days_to_churn >= 0) & (self.days_to_churn <= days)
        return within.astype(np.float64)


_OTHERS: Final = (ACCOUNT_ID, CHURNED, *Traits._fields, *Seen._fields)
"""All columns but those of models and horizons."""


class Predictions(NamedTuple):
    """The evaluation set as every model answers it, by account, [n] each."""

    accounts: NDArray[np.str_]
    labels: Floats
    """0 or 1."""
    models: Mapping[str, Floats]
    """Probabilities by name of the model, in the order in which they were scored."""
    traits: Traits
    horizons: Mapping[int, Floats]
    """The challenger's probabilities by days, rising; the label's horizon is among them."""
    seen: Seen


def write_predictions(folder: str, predictions: Predictions) -> None:
    """Writes FILE: accounts in the order given, numbers to the last bit.

    Args:
        folder: Of the blessing; it exists.
        predictions: What was judged. The columns are account_id (string), churned (int64,
            0 or 1), one of float64 for each model, tier, region and state (string), one of
            float64 for each horizon (within_days_30), days_to_churn and days_observed (float64).
    """
    columns = {
        ACCOUNT_ID: pa.array(predictions.accounts.tolist(), pa.string()),
        CHURNED: pa.array(predictions.labels.astype(np.int64)),
        **{name: pa.array(found, pa.float64()) for name, found in predictions.models.items()},
        **{
            name: pa.array(values.tolist(), pa.string())
            for name, values in predictions.traits._asdict().items()
        },
        **{
            f"{_WITHIN}{days}": pa.array(found, pa.float64())
            for days, found in predictions.horizons.items()
        },
        **{
            name: pa.array(values, pa.float64())
            for name, values in predictions.seen._asdict().items()
        },
    }
    content = pa.BufferOutputStream()
    pyarrow.parquet.write_table(pa.table(columns), content)
    with fileio.open(os.path.join(folder, FILE), "wb") as file:
        file.write(content.getvalue().to_pybytes())


def read_predictions(folder: str) -> Predictions:
    """Reads back what write_predictions wrote, the same to the last bit."""
    with fileio.open(os.path.join(folder, FILE), "rb") as file:
        table = pyarrow.parquet.read_table(pa.BufferReader(file.read()))
    return Predictions(
        accounts=_text(table, ACCOUNT_ID),
        labels=table[CHURNED].to_numpy().astype(np.float64),
        models={
            name: table[name].to_numpy()
            for name in table.column_names
            if name not in _OTHERS and not name.startswith(_WITHIN)
        },
        traits=Traits(*(_text(table, name) for name in Traits._fields)),
        horizons={
            int(name.removeprefix(_WITHIN)): table[name].to_numpy()
            for name in table.column_names
            if name.startswith(_WITHIN)
        },
        seen=Seen(*(table[name].to_numpy() for name in Seen._fields)),
    )


def _text(table: pa.Table, column: str) -> NDArray[np.str_]:
    return np.array(table[column].to_pylist(), dtype=np.str_)
