"""The role of a server may read exactly what pages read: each right is needed, none is missing."""

import psycopg2
import pytest
from psycopg2 import sql

from pipeline.pages.page import address
from pipeline.pages.site import PAGES, READ_BY_PAGES
from tests.contract.conftest import execute, query
from tests.pipeline.pages import model_world, world
from tests.pipeline.pages.conftest import TestSite, database_of

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
SOMETIMES = {
    ("/pages/areas", "public.product_area_impact"),
    ("/pages/area", "public.product_area_impact"),
    ("/pages/compare", "tens_insight.shadow_scores"),
    ("/pages/compare", "tens_insight.score_outcomes"),
    ("/pages/compare", "tens_insight.account_risk_score_history"),
    ("/pages/compare", "tens_insight.account_contributions"),
}
"""Read where the file of a run is gone, and where one of two models scored in shadow."""
CASES = [
    (page.path, table)
    for page in PAGES
    for table in page.reads
    if (page.path, table) not in SOMETIMES
]


@pytest.mark.parametrize(("path", "table"), CASES)
def test_without_one_of_its_rights_a_page_names_what_is_missing(
    site: TestSite, path: str, table: str
) -> None:
    role = sql.Identifier(f"server_{database_of(site.admin_url)}")
    name = sql.Identifier(*table.split("."))
    execute(site.admin_url, sql.SQL("REVOKE SELECT ON {} FROM {}").format(name, role))
    try:
        answer = site.ask(address(path, **QUERIES.get(path, {})))
    finally:
        execute(site.admin_url, sql.SQL("GRANT SELECT ON {} TO {}").format(name, role))
    assert answer.status == 503
    assert table.partition(".")[2] in answer.content.decode()


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
