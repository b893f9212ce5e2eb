"""A recorded history in files, as bench/model_quality.py measures with.

A folder holds feedback_enriched.csv.gz and account_churn.csv.gz with the columns of the
database contract, labels.csv.gz (account_id, cutoff, churned, split) and split.json
(mode: table or inactivity; lookback_days, horizon_days, train_cutoffs, valid_cutoffs,
test_cutoff).
"""

import csv
import gzip
import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class

from components.postgres.queries import queries

TABLES = ("feedback_enriched", "account_churn")
TITLES = {
    "online_retail": "UCI Online Retail: the invoices of a British online shop, 2010 and 2011",
    "cdnow": "CDNOW: the purchases of a music shop's customers, 1997 and 1998",
}
"""What the names of known histories stand for; others stand for themselves."""


@dataclass(frozen=True)
class HistoryFolder:
    """What split.json says.

    Attributes:
        path: The folder.
        label_source: account_churn or inactivity.
        lookback_days: How far back events count.
        horizon_days: How far ahead the label looks.
        training_cutoffs: Those to learn from, UTC.
        eval_cutoff: The one to be measured on, UTC.
    """

    path: Path
    label_source: str
    lookback_days: int
    horizon_days: int
    training_cutoffs: tuple[datetime, ...]
    eval_cutoff: datetime

    @property
    def name(self) -> str:
        """What the history is called in tables."""
        return self.path.resolve().name

    @property
    def description(self) -> str:
        """What it is, for the page."""
        return TITLES.get(self.name, self.name)

    def write(self, connection: Connection) -> None:
        """Copies the history into the input tables of an empty database."""
        copy_history(connection, self)

    def settings(self) -> dict[str, Any]:
        """Returns the pipeline's settings for this history."""
        return {
            "label_source": self.label_source,
            "lookback_days": self.lookback_days,
            "horizon_days": self.horizon_days,
            "training_cutoffs": self.training_cutoffs,
            "eval_cutoff": self.eval_cutoff,
            "as_of": self.eval_cutoff + timedelta(days=self.horizon_days),
        }

    def labels(self) -> dict[str, int]:
        """Returns the recorded label of each account at the evaluation cutoff."""
        with gzip.open(self.path / "labels.csv.gz", "rt", encoding="utf-8", newline="") as file:
            return {
                row["account_id"]: int(row["churned"])
                for row in csv.DictReader(file)
                if row["split"] == "test"
            }


def read_folder(path: Path) -> HistoryFolder:
    """Reads split.json.

    Raises:
        OSError: It cannot be read.
        KeyError: It lacks something.
    """
    content = json.loads((path / "split.json").read_text(encoding="utf-8"))
    training = [*content["train_cutoffs"], *content["valid_cutoffs"]]
    return HistoryFolder(
        path=path,
        label_source="inactivity" if content["mode"] == "inactivity" else "account_churn",
        lookback_days=content["lookback_days"],
        horizon_days=content["horizon_days"],
        training_cutoffs=tuple(map(_midnight, training)),
        eval_cutoff=_midnight(content["test_cutoff"]),
    )


def copy_history(connection: Connection, folder: HistoryFolder) -> None:
    """Copies a history into the input tables of an empty database."""
    with connection, connection.cursor() as cursor:
        cursor.execute("SET LOCAL TIME ZONE 'UTC'")
        cursor.execute(queries("pipeline.demo")["create_inputs"])
        for table in TABLES:
            with gzip.open(folder.path / f"{table}.csv.gz", "rt", encoding="utf-8") as file:
                cursor.copy_expert(_copy(table, next(csv.reader([next(file)]))), file)


def _copy(table: str, columns: list[str]) -> sql.Composed:
    """An empty field is an empty text, except for the account, which may be missing."""
    filled = [name for name in columns if name != "account_id"]
    listed = (sql.SQL(", ").join(map(sql.Identifier, names)) for names in (columns, filled))
    copy = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, FORCE_NOT_NULL ({}))")
    return copy.format(sql.Identifier(table), *listed)


def _midnight(text: str) -> datetime:
    day = date.fromisoformat(text)
    return datetime(day.year, day.month, day.day, tzinfo=timezone.utc)
