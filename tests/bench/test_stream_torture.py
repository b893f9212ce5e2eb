"""The stream survives kills, in small; and what compares it finds what is wrong."""

import pytest

from bench.stream_ground import wrong
from bench.stream_torture import SOURCES, Outcome, main
from tests.components.conftest import READING, FeedbackTables
from tests.components.streaming.streamed import run, table, write


def test_nothing_is_wrong_lost_or_doubled(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--kills", "4"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[1:4]] == [[one, "4"] for one in SOURCES]
    assert lines[4] == "Nothing was wrong, lost or doubled."


def test_a_wrong_score_is_found(migrated_database: str) -> None:
    tables = FeedbackTables(migrated_database)
    write(tables, "ACC-1", "ACC-2", ago=1)
    run(tables)
    assert wrong(table(tables), READING) == []
    write(tables, "ACC-2", ago=0.5)  # of a moment before the score, which nobody scored again
    assert [one[:5] for one in wrong(table(tables), READING)] == ["ACC-2"]
    assert not Outcome(lost=["ACC-1"]).sound
