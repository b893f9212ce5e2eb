"""The command: reads the database and the model's file, prints what was reached."""

import csv
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import psycopg2
import pytest

from bench.limit import main, moment
from bench.recorded_world import Snapshot, read_snapshot
from components.errors import ContractBroken

CUTOFF = "2026-03-25"


def read(url: str, cutoff: datetime | None = None) -> Snapshot:
    connection = psycopg2.connect(url)
    try:
        return read_snapshot(connection, cutoff or moment(CUTOFF), 60)
    finally:
        connection.close()


def test_snapshot_holds_the_accounts_that_write_and_stay(simulated_database: str) -> None:
    snapshot = read(simulated_database)
    connection = psycopg2.connect(simulated_database)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT account_id, customer_tier, count(*), min(churned_at) < %(cutoff)s + '60 days'"
            " FROM feedback_enriched LEFT JOIN account_churn USING (account_id)"
            " WHERE created_at < %(cutoff)s AND account_id IS NOT NULL"
            " AND (churned_at IS NULL OR churned_at >= %(cutoff)s) GROUP BY 1, 2 ORDER BY 1",
            {"cutoff": moment(CUTOFF)},
        )
        rows = cursor.fetchall()
    connection.close()
    tiers = ("free", "pro", "enterprise")
    found = snapshot.observations
    assert snapshot.account_ids == [row[0] for row in rows]
    assert [tiers[code] for code in found.tier] == [row[1] for row in rows]
    assert np.bincount(found.account).tolist() == [row[2] for row in rows]
    assert snapshot.churned.tolist() == [bool(row[3]) for row in rows]
    assert 0 < snapshot.churned.sum() < len(rows)


def test_prints_the_limit_and_the_model_beside_it(
    simulated_database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    snapshot, file = read(simulated_database), tmp_path / "scores.csv"
    with file.open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(["account_id", "churn_probability"])
        writer.writerows(
            zip(snapshot.account_ids[1:], np.where(snapshot.churned, 0.9, 0.01)[1:], strict=False)
        )
        writer.writerow(["ACC-999999", 0.5])
    options = ["--cutoff", CUTOFF, "--particles", "40", "--predictions", str(file)]
    assert main(options) == 0
    printed = {
        label.strip(): rest.split()
        for label, _, rest in (
            (line[:28], "", line[28:]) for line in capsys.readouterr().out.splitlines()
        )
    }
    assert printed["accounts"][0] == str(len(snapshot.account_ids)) + ","
    assert float(printed["model: AUC"][0]) == 1.0
    assert 0.4 < float(printed["limit: realised AUC"][0]) < 0.95
    assert float(printed["limit minus model: AUC"][0]) < 0
    assert printed["model: accounts"][-1] == "2"


@pytest.mark.parametrize("content", ["", "account_id\nACC-000001\n", "a,b\n1,2\n"])
def test_unreadable_predictions_are_named(
    content: str, simulated_database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "scores.csv"
    file.write_text(content)
    options = ["--cutoff", CUTOFF, "--particles", "2", "--predictions", str(file)]
    assert main(options) == 1
    assert str(file) in capsys.readouterr().err


def test_horizon_beyond_the_record_is_refused(simulated_database: str) -> None:
    end = datetime(2026, 6, 1, tzinfo=timezone.utc)
    read(simulated_database, end - timedelta(days=60))
    with pytest.raises(ContractBroken, match="must lie within"):
        read(simulated_database, end - timedelta(days=59))


def test_database_without_a_simulated_world_is_refused(migrated_database: str) -> None:
    with pytest.raises(ContractBroken, match="no simulated world"):
        read(migrated_database)
