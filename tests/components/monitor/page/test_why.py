"""Page and terminal say what the feedback speaks for, and nothing of what was not asked."""

import json
from contextlib import closing
from dataclasses import replace

import psycopg2
import pytest

from components.causes.record import RecordedCause
from components.monitor.page.report import render
from components.monitor.page_content import newest_cause, read_content
from pipeline.cli import run_cli
from pipeline.text.mean_change import why_lines
from tests.components.model_review.page.reading import words
from tests.components.monitor.conftest import BEGIN
from tests.components.monitor.page import sample_content as samples
from tests.components.monitor.page.test_content import record

SAID = "source 'email' <b> is missing for 5 days, where 300 rows are usual."


def cause(number=1):
    return RecordedCause(number, BEGIN, "source or pipeline changed", 5, [SAID])


def tell(publications, number):
    publications.execute(
        "INSERT INTO tens_insight.score_causes VALUES (%s, 'season', 9, %s)", number, ["As ever."]
    )


def test_the_page_says_it():
    page = words(render(replace(samples.quiet(), cause=cause())))
    assert "source or pipeline changed, since 5 days" in page
    assert "is missing for 5 days, where 300 rows are usual." in page
    assert "<b>" not in page
    assert "the feedback was not asked at this run" in words(render(samples.quiet()))


def test_the_terminal_says_it():
    said = list(why_lines(samples.quiet().change, cause()))
    assert said[1].startswith("Why the mean score changed from")
    assert "The feedback speaks for: source or pipeline changed" in said
    assert not any("carry most" in line for line in said)
    assert list(why_lines(None, None)) == []


def test_only_the_verdict_of_the_newest_run_is_shown(publications):
    record(publications, 0, 0.3)
    tell(publications, 1)
    with closing(psycopg2.connect(publications.url)) as one, one, one.cursor() as cursor:
        content = read_content(cursor, 30, 1.0)
        assert content.cause is not None
        assert content.cause.cause == "season"
    record(publications, 1, 0.3)
    with closing(psycopg2.connect(publications.url)) as one, one, one.cursor() as cursor:
        content = read_content(cursor, 30, 1.0)
        assert content.cause is None
        assert newest_cause(cursor, replace(content.report, runs=())) is None


@pytest.mark.parametrize("told", [True, False])
def test_the_command_prints_it(publications, capsys, monkeypatch, tmp_path, told):
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))
    record(publications, 0, 0.3)
    if told:
        tell(publications, 1)
    assert run_cli(["monitor"]) == 0
    assert ("The feedback speaks for: season" in capsys.readouterr().out) == told
    assert run_cli(["monitor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["cause"] or {}).get("cause") == ("season" if told else None)
    assert found["change"] is None
