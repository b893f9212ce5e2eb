"""The world of many accounts changes in nothing with time; what a run took is held against bars."""

from contextlib import closing
from importlib import resources

import psycopg2
import pytest

from bench.daily_score import Run, words
from bench.size import MOST_MIB, report

ACCOUNTS = 2_000

FIGURES = """
SELECT count(*) FILTER (WHERE created_at < now() - interval '270 days')::float / count(*),
       count(*) FILTER (WHERE created_at > churned_at),
       count(*) FILTER (WHERE sentiment = 'negative' AND near)::float
           / count(*) FILTER (WHERE near),
       count(*) FILTER (WHERE sentiment = 'negative' AND NOT near)::float
           / count(*) FILTER (WHERE NOT near),
       count(*), count(DISTINCT account_id)
FROM (SELECT *, coalesce(created_at > churned_at - interval '90 days', false) AS near
      FROM feedback_enriched LEFT JOIN account_churn USING (account_id)) AS joined
"""
CHURN = """
SELECT count(*), count(*) FILTER (WHERE churned_at < now() - interval '270 days')
FROM account_churn
"""
RATE = """
SELECT churned_at IS NOT NULL,
       sum(rows - 1) / sum(extract(epoch FROM last - first) / 86400)::float
FROM (SELECT account_id, count(*) AS rows, min(created_at) AS first, max(created_at) AS last
      FROM feedback_enriched GROUP BY account_id HAVING count(*) > 9) AS accounts
LEFT JOIN account_churn USING (account_id)
GROUP BY 1 ORDER BY 1
"""


def test_nothing_in_the_world_changes_with_time_or_gives_the_end_away(database: str) -> None:
    statements = (resources.files("bench") / "size_world.sql").read_text("utf-8")
    with closing(psycopg2.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT setseed(0.5)")
        cursor.execute(statements, words(ACCOUNTS))
        cursor.execute(FIGURES)
        ((early, after_the_end, near, far, rows, accounts),) = cursor.fetchall()
        cursor.execute(CHURN)
        ((churned, churned_early),) = cursor.fetchall()
        cursor.execute(RATE)
        (_, of_stayed), (_, of_churned) = cursor.fetchall()
    assert early == pytest.approx(0.5, abs=0.02)
    assert after_the_end == 0
    assert near == pytest.approx(0.6, abs=0.03)
    assert far == pytest.approx(0.3, abs=0.02)
    assert accounts == ACCOUNTS
    assert rows / accounts == pytest.approx(20, rel=0.02)
    assert churned / accounts == pytest.approx(540 / (1500 + 540), abs=0.03)
    assert churned_early / churned == pytest.approx(0.5, abs=0.06)
    assert of_churned == pytest.approx(of_stayed, rel=0.1)


def runs(cpu: float, peak_mib: float = 1000.0) -> dict[str, Run]:
    return {name: Run(cpu, {"AccountScorer": cpu}, cpu, peak_mib) for name in ("train", "score")}


@pytest.mark.parametrize(
    ("measured", "code", "said"),
    [
        ({100: runs(10), 1000: runs(100)}, 0, "run score: 1.00 by CPU: held"),
        ({100: runs(10), 1000: runs(130)}, 1, "run score: 1.11 by CPU: MISSED"),
        ({100: runs(10), 1000: runs(100, MOST_MIB + 1)}, 1, "1.00 by CPU: held"),
        ({100: runs(10), 1000: {}}, 1, ""),
        ({}, 0, ""),
    ],
)
def test_a_bar_that_was_missed_is_an_exit_code(
    measured: dict[int, dict[str, Run]],
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert report(measured) == code
    assert said in capsys.readouterr().out
