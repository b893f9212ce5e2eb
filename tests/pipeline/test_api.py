"""`from pipeline import ...`: what it loads, what it returns, and the example in its page."""

import logging
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

import pipeline
from components.errors import DataGateStopped
from pipeline import last_publication, load_settings
from pipeline.api import published_by
from pipeline.logs import log_to_file, logging_restored

PAGE = Path(__file__).parents[2] / "docs/api.md"


def test_importing_the_package_loads_nothing():
    code = (
        "import sys; before = set(sys.modules); import pipeline; dir(pipeline); "
        "tops = {name.partition('.')[0] for name in set(sys.modules) - before}; "
        "print(sorted(tops - set(sys.stdlib_module_names)), 'pipeline.api' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['pipeline'] False\n"


def test_its_names_can_be_imported_without_tfx():
    code = (
        f"import sys; from pipeline import {', '.join(pipeline.__all__)}; "
        "print(sorted({'tfx', 'tensorflow', 'apache_beam'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_page_names_all_of_it():
    assert {name for name in pipeline.__all__ if f"`{name}" not in PAGE.read_text()} == {"Settings"}


def test_another_name_is_an_error():
    with pytest.raises(AttributeError, match="no attribute 'fly'"):
        pipeline.fly  # noqa: B018 -- the look-up is what is tested


def test_there_is_no_publication_before_the_first(migrated_database):
    assert last_publication(load_settings()) is None
    assert last_publication(load_settings(), "areas") is None
    with pytest.raises(ValueError, match="no output table 'model'; there are scores, areas"):
        last_publication(load_settings(), "model")


def test_a_run_is_told_its_own_publications_and_not_those_of_another(migrated_database):
    insert = (
        "INSERT INTO tens_insight.publications (attempt, target_table, as_of, model_version, "
        "label_source, rows_written, rows_removed, category_shares, run_id, published_by) VALUES "
        "(gen_random_uuid(), %s, now(), %s, 'none', 7, 0, '{}', %s, 'me')"
    )
    with closing(psycopg2.connect(migrated_database)) as connection, connection:
        for run_id in ("ours", "later"):
            connection.cursor().execute(insert, ("account_risk_scores", f"m-{run_id}", run_id))
        connection.cursor().execute(insert, ("product_area_impact", "weights", "later"))
    scores, areas = published_by(load_settings(), "ours")
    assert (scores.model_version, scores.run_id, areas) == ("m-ours", "ours", None)
    assert last_publication(load_settings()).run_id == "later"


def test_a_run_that_publishes_nothing_raises_why_and_gives_logging_back(
    simulated_database, tmp_path, monkeypatch
):
    """A history that is too short, and no check of the database before the first node."""
    monkeypatch.setattr("pipeline.runs.run.run_checks", lambda _: [])
    before = list(logging.getLogger().handlers)
    settings = load_settings(state_dir=tmp_path, lookback_days=3000)
    with pytest.raises(DataGateStopped, match="TENS_INSIGHT_LOOKBACK_DAYS"):
        pipeline.train(settings)
    assert logging.getLogger().handlers == before
    assert "FeedbackExampleGen" in next((tmp_path / "logs").iterdir()).read_text()


def test_a_hosts_logging_comes_back_after_an_error(tmp_path):
    root = logging.getLogger()
    before, level = list(root.handlers), root.level

    def run():
        with logging_restored():
            log_to_file(tmp_path / "run.log")
            root.info("kept")
            raise KeyError

    with pytest.raises(KeyError):
        run()
    assert (root.handlers, root.level) == (before, level)
    assert "kept" in (tmp_path / "run.log").read_text()
