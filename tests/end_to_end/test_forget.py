"""A customer's right to be forgotten: after both runs, nothing names the account any more."""

import gzip
import re

import pyarrow.parquet as pq
import pytest

from tests.contract.conftest import execute
from tests.end_to_end.conftest import SMALLEST_BLESSED

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group(name="wiring")]

OURS = """
SELECT table_schema || '.' || table_name FROM information_schema.tables
WHERE table_schema = 'tens_insight' AND table_type = 'BASE TABLE'
   OR (table_schema, table_name) = ('public', 'account_risk_scores')"""


def named_in(folder, account):
    """Files that hold the id as a word, whatever they are packed in."""
    word = re.compile(rb"(?<![\w-])" + account.encode() + rb"(?![\w-])")
    found = []
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        if path.suffix == ".parquet":
            content = str(pq.read_table(path).to_pylist()).encode()
        if word.search(content):
            found.append(path.name)
    return found


def rows_of(installation, account):
    """Tables of ours with the id in any column."""
    tables = [name for (name,) in installation.query(OURS)]
    text = "SELECT count(*) FROM {} AS r WHERE r::text ~ %s"
    pattern = rf"(?<![\w-]){account}(?![\w-])"
    return [one for one in tables if installation.query(text.format(one), pattern) != [(0,)]]


def test_nothing_names_a_forgotten_account(copied_installation, scored):
    top, other = (one["account_id"] for one in scored.summary["highest"][:2])
    installation = copied_installation
    execute(
        installation.admin_url,
        f"UPDATE tens_insight.runs SET sentence = sentence || ' {top} and {top}0'",
    )
    before = installation.query("SELECT count(*) FROM account_risk_scores")
    assert {"public.account_risk_scores", "tens_insight.account_risk_score_history"} <= set(
        rows_of(installation, top)
    )
    log = installation.state_dir / "logs" / "named.log"
    log.write_text(f"{top}, '{top}' and {top}0")
    packed = named_in(installation.state_dir, top)
    assert {"FeatureStats.pb", "predictions.parquet", "named.log"} <= set(packed)
    assert any(name.endswith(".gz") for name in packed)

    done = installation.run("forget", top, "--yes", "--json", **SMALLEST_BLESSED)
    assert done.code == 0, done.err
    assert top not in done.out
    assert done.summary["files_left"] == []
    assert done.summary["rows_of_others"]["feedback_enriched"] > 0

    assert rows_of(installation, top) == []
    assert named_in(installation.state_dir, top) == []
    assert log.read_text() == f"[forgotten], '[forgotten]' and {top}0"
    assert rows_of(installation, other)
    runs = installation.query(f"SELECT count(*) FROM tens_insight.runs WHERE sentence ~ '{top}0'")
    assert runs != [(0,)]
    assert installation.query("SELECT count(*) FROM account_risk_scores") == [(before[0][0] - 1,)]
    ((removed,),) = installation.query("SELECT rows_removed FROM tens_insight.erasures")
    assert removed["tens_insight.account_risk_score_history"] == 2

    status = installation.run("status", "--json", **SMALLEST_BLESSED).summary
    assert status["tables"]["scores"]["as_published"]
    undone = installation.run("publications", "undo", "--reason", "a test", **SMALLEST_BLESSED)
    assert undone.code == 0, undone.err
    assert rows_of(installation, top) == []

    again = installation.run("forget", top, "--yes", **SMALLEST_BLESSED)
    assert again.code == 2
    assert "Nothing is kept" in again.out


def test_it_asks_before_it_removes(copied_installation, scored):
    account = scored.summary["highest"][0]["account_id"]
    asked = copied_installation.run("forget", account, **SMALLEST_BLESSED)
    assert asked.code == 130
    assert "Remove all that is kept about" in asked.err
    assert rows_of(copied_installation, account)
