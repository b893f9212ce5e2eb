"""A hot standby: found before the work, in one sentence, by all that writes."""

import os
import shutil
from contextlib import closing

import psycopg2
import pytest

from pipeline.cli import run_cli
from pipeline.demo.simulate import simulate
from pipeline.local_database.embedded_postgres import EmbeddedPostgres
from tests.server_folder import make_server_folder


@pytest.fixture(scope="module")
def standby():
    """URL of a standby that holds a small world; it follows nobody."""
    folder = make_server_folder("standby")
    server = EmbeddedPostgres(folder, durable=False, settings={"wal_level": "replica"})
    try:
        url = server.start()
        with closing(psycopg2.connect(url)) as connection:
            simulate(connection, accounts=20, days=60, seed=3, scenario="strong")
        server.stop()
        (version,) = folder.glob("**/data/PG_VERSION")
        signal, owner = version.with_name("standby.signal"), version.stat()
        signal.touch()
        os.chown(signal, owner.st_uid, owner.st_gid)
        server.start()
        yield url
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    "command",
    [
        "db check",
        "db init",
        "run train",
        "run score",
        "publications undo --reason test",
        "simulate --accounts 5 --days 30 --replace",
    ],
)
def test_nothing_is_written_to_a_standby(standby, command, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("DATABASE_URL", standby)
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))
    assert run_cli(command.split()) == 5
    told = capsys.readouterr()
    assert "is a standby or read-only: nothing can be written there" in told.out + told.err
    assert "Name the primary" in told.out + told.err
    assert "Loading TFX" not in told.err


@pytest.mark.parametrize("command", ["publications list", "areas", "status"])
def test_what_only_reads_works_on_a_standby(standby, command, monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_URL", standby)
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))
    assert run_cli(command.split()) == 0
