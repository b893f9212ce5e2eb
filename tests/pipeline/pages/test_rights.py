"""The role of a server may read exactly what pages read: each right is needed, none is missing."""

from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import sql

from pipeline.pages.frame import Answer
from pipeline.pages.page import address
from pipeline.pages.site import PAGES, READ_BY_PAGES, Site
from pipeline.settings import load_settings
from tests.contract.conftest import execute, query
from tests.environment import unset_settings
from tests.pipeline.pages import model_world, world
from tests.pipeline.pages.conftest import TestSite, database_of, named

pytestmark = pytest.mark.xdist_group(name="site")

QUERIES = {
    "/pages/accounts": {"tier": "pro", "new": "1", "sort": "moved"},
    "/pages/accounts.csv": {"find": "ACC-1"},
    "/pages/account": {"id": "ACC-1"},
    "/pages/area": {"product_area": world.HOSTILE, "segment": "pro"},
    "/pages/model": {"version": model_world.SECOND},
    "/pages/compare": {"a": model_world.SECOND, "b": model_world.REFUSED},
    "/pages/report": {"version": model_world.SECOND},
}
"""What is asked of pages so that they read all that they may need."""
CASES = [(page.path, table) for page in PAGES for table in page.reads]


@pytest.fixture(scope="module", autouse=True)
def states(site: TestSite) -> Iterator[None]:
    """What pages do not always read: a refused model that scored in shadow, and its outcomes."""
    execute(site.admin_url, _SHADOW.format(shadow=sql.Literal(model_world.REFUSED)))
    yield
    for table in ("shadow_models", "outcome_windows"):
        execute(site.admin_url, f"DELETE FROM tens_insight.{table}")


_SHADOW = sql.SQL("""
WITH newest AS (
    SELECT publication_id, as_of FROM tens_insight.publications
    WHERE target_table = 'account_risk_scores' ORDER BY publication_id DESC LIMIT 1
), shadow AS (
    INSERT INTO tens_insight.shadow_models
        (publication_id, place, model_version, role, horizons, horizon_days, accounts)
    SELECT publication_id, 1, {shadow}, 'newest challenger', ARRAY[60], 60, 0 FROM newest
)
INSERT INTO tens_insight.outcome_windows
    (publication_id, horizon_days, label_source, closed_at, measured_as_of, run_id, accounts,
     accounts_left, accounts_stayed, accounts_unknown)
SELECT publication_id, 60, 'account_churn', as_of + interval '60 days', as_of, 'run', 0, 0, 0, 0
FROM newest
""")


@pytest.mark.parametrize(("path", "table"), CASES)
def test_without_one_of_its_rights_a_page_names_what_is_missing(
    site: TestSite, tmp_path: Path, path: str, table: str
) -> None:
    role = sql.Identifier(f"server_{database_of(site.admin_url)}")
    name = sql.Identifier(*table.split("."))
    execute(site.admin_url, sql.SQL("REVOKE SELECT ON {} FROM {}").format(name, role))
    try:
        answer = _asked(site, tmp_path, path)
    finally:
        execute(site.admin_url, sql.SQL("GRANT SELECT ON {} TO {}").format(name, role))
    assert answer.status == 503
    assert table.partition(".")[2] in answer.content.decode()


def _asked(site: TestSite, empty: Path, path: str) -> Answer:
    where = address(path, **QUERIES.get(path, {}))
    if path != "/pages/areas":
        return site.ask(where)
    # The table itself is read where the file of the run is not here.
    with pytest.MonkeyPatch.context() as patch, named(site.url):
        unset_settings(patch)
        patch.setenv("TENS_INSIGHT_STATE_DIR", str(empty))
        elsewhere = Site(load_settings())
        answer = elsewhere.answer(path)
        elsewhere.close()
    return answer


def test_with_them_every_page_is_shown(site: TestSite) -> None:
    for page in PAGES:
        assert site.ask(address(page.path, **QUERIES.get(page.path, {}))).status == 200, page.path


def test_the_role_reads_nothing_else_of_ours_and_writes_nothing(site: TestSite) -> None:
    readable = """
        SELECT relnamespace::regnamespace || '.' || relname
        FROM pg_class, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS right_
        WHERE relkind IN ('r', 'v')
          AND relnamespace::regnamespace::text IN ('public', 'tens_insight')
          AND has_table_privilege(%s, oid, right_)
        GROUP BY 1 HAVING array_agg(right_) = ARRAY['SELECT']"""
    found = query(site.admin_url, readable, f"server_{database_of(site.admin_url)}")
    always = {"public.account_risk_scores", "tens_insight.database_identity"}
    assert {name for (name,) in found} == always | set(READ_BY_PAGES)
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        execute(site.url, "SELECT summary FROM feedback_enriched LIMIT 1")
