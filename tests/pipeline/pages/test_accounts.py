"""The list of accounts: whatever is asked for, its pages together are the whole list, in order."""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import closing
from html import unescape
from typing import Any
from urllib.parse import quote

import psycopg2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.page.words import visible
from components.postgres.rows import value
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing import account_page
from components.publishing.account_list import Wanted, list_accounts
from components.publishing.account_page import AccountPages, AskedPage, Place, States
from components.publishing.publication_log import read_log
from pipeline.pages.accounts import Filter, name_of
from pipeline.pages.page import Query, WrongQuestion, for_form, from_form
from pipeline.text.accounts import COLUMNS
from tests.pipeline.pages import world
from tests.pipeline.pages.conftest import TestSite
from tests.property_tests import cases

pytestmark = pytest.mark.xdist_group(name="site")

FILTERS: tuple[dict[str, Any], ...] = (
    {},
    {"bands": ("critical", "high")},
    {"tiers": ("Enterprise ",), "bands": ("medium",)},
    {"regions": (world.HOSTILE,)},
    {"new": True},
    {"new": True, "bands": ("medium", "high")},
    {"moved_by": 0.01},
)


@pytest.fixture
def cursor(site: TestSite) -> Iterator[Any]:
    with closing(psycopg2.connect(site.admin_url)) as connection, connection.cursor() as one:
        yield one


def pages_of(cursor: Any, asked: AskedPage) -> list[account_page.AccountPage]:
    """Reads all pages forwards, and asserts that backwards they are the same."""
    pages = AccountPages(cursor, States.of(read_log(cursor, ACCOUNT_RISK_SCORES)), asked)
    found = [pages.page()]
    while found[-1].last is not None:
        found.append(pages.page(after=found[-1].last))
    assert found[0].first is None
    place = found[-1].first
    for former in reversed(found[:-1]):
        assert place is not None
        back = pages.page(before=place)
        assert back.accounts == former.accounts
        assert back.last is not None
        place = back.first
    assert place is None
    return found


@pytest.mark.parametrize("sort", account_page.SORTS)
@pytest.mark.parametrize("asked", FILTERS, ids=str)
def test_pages_forwards_and_backwards_are_the_list_of_the_command(
    cursor: Any, monkeypatch: pytest.MonkeyPatch, sort: str, asked: dict[str, Any]
) -> None:
    monkeypatch.setattr(account_page, "SIZE", 7)
    found = [
        one for page in pages_of(cursor, AskedPage(sort=sort, **asked)) for one in page.accounts
    ]
    expected = list_accounts(cursor, Wanted(sort=sort, **asked)).accounts
    assert expected
    facts = [{**vars(one), "matching": 0} for one in expected]
    assert [vars(one) for one in found] == facts
    log = States.of(read_log(cursor, ACCOUNT_RISK_SCORES))
    pages = AccountPages(cursor, log, AskedPage(sort=sort, **asked))
    assert pages.count() == len(expected)
    monkeypatch.setattr(account_page, "_CHUNK", 10)
    assert list(pages.every(1000)) == found
    assert list(pages.every(3)) == found[:3]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"find": "acc-"}, {"ACC-1", "ACC-2", "ACC-3"}),
        ({"find": "CC-1"}, {"ACC-1"}),
        ({"find": "CC-1", "starts": True}, set()),
        ({"find": "%2f", "starts": True}, {"%2F+ "}),
        ({"find": "_"}, set()),
        ({"find": "客户"}, {world.HOSTILE}),
        ({"find": "\\"}, set()),
    ],
)
def test_a_part_of_the_id_finds_it_letter_by_letter(
    cursor: Any, asked: dict[str, Any], expected: set[str]
) -> None:
    (page,) = pages_of(cursor, AskedPage(**asked))
    assert {one.account_id for one in page.accounts} == expected


def test_a_row_that_comes_between_two_pages_moves_no_other(cursor: Any) -> None:
    """The next page begins after the last account that was seen, however many came before it."""
    pages = AccountPages(cursor, States.of(read_log(cursor, ACCOUNT_RISK_SCORES)), AskedPage())
    first = pages.page()
    assert first.last is not None
    expected = pages.page(after=first.last)
    cursor.execute(
        "INSERT INTO account_risk_scores SELECT 'new-' || n, 0.99, 1, 'critical', now(), 'x' "
        "FROM generate_series(1, 9) AS n"
    )
    assert pages.page(after=first.last).accounts == expected.accounts
    assert pages.page().accounts != first.accounts


@pytest.mark.parametrize("removes", [True, False])
def test_what_was_published_between_runs_is_in_the_list(
    cursor: Any, monkeypatch: pytest.MonkeyPatch, removes: bool
) -> None:
    """The newest scores and details count, whether a run removed what was there before or not."""
    monkeypatch.setattr(account_page, "SIZE", 7)
    log = "tens_insight.publications"
    cursor.execute(f"UPDATE {log} SET removes_others = %s", (removes,))
    for risk in (0.6, 0.3):
        cursor.execute(
            f"INSERT INTO {log} (attempt, target_table, kind, as_of, model_version, label_source, "
            "rows_written, rows_removed, category_shares, run_id, published_by) VALUES "
            "(gen_random_uuid(), 'account_risk_scores', 'incremental', now(), 'x', 'none', 2, 0, "
            "'{}', 'stream', 'x') RETURNING publication_id"
        )
        values = {"number": value(cursor), "risk": risk, "days": 100 * risk}
        cursor.execute(
            "UPDATE account_risk_scores SET churn_probability = %(risk)s, health_score = 100 * "
            "(1 - %(risk)s), risk_category = 'high' WHERE account_id IN ('ACC-1', 'B-50')",
            values,
        )
        cursor.execute(
            "INSERT INTO tens_insight.account_risk_score_history SELECT %(number)s, account_id, "
            "churn_probability, health_score, risk_category, now(), 'x' FROM account_risk_scores "
            "WHERE account_id IN ('ACC-1', 'B-50')",
            values,
        )
        cursor.execute(
            "INSERT INTO tens_insight.account_risk_detail_history (publication_id, account_id, "
            "percentile, churn_by_horizon, tenure_days, days_since_last_event, silence_state, "
            "customer_tier, region) SELECT %(number)s, account_id, 5, "
            "jsonb_build_object('60', %(risk)s::float8), 500, %(days)s, 'active', 'new tier', 'EU' "
            "FROM account_risk_scores WHERE account_id IN ('ACC-1', 'B-50')",
            values,
        )
    for asked in ({}, {"tiers": ("new tier",)}, {"moved_by": 0.1}, {"new": True}):
        for sort in account_page.SORTS:
            found = [
                one
                for page in pages_of(cursor, AskedPage(sort=sort, **asked))
                for one in page.accounts
            ]
            expected = list_accounts(cursor, Wanted(sort=sort, **asked)).accounts
            assert [vars(one) for one in found] == [
                {**vars(one), "matching": 0} for one in expected
            ]
    (page,) = pages_of(cursor, AskedPage(tiers=("new tier",)))
    assert {(one.account_id, one.days_since_last_event) for one in page.accounts} == {
        ("ACC-1", 30.0),
        ("B-50", 30.0),
    }


def test_another_day_can_be_compared_with(site: TestSite) -> None:
    assert "moved since 2026-06-22 00:00 UTC" in site.text("/pages/accounts")
    text = site.text("/pages/accounts?since=2026-06-10&find=ACC-1")
    assert "1 account, scores as of 2026-06-29 00:00 UTC; moved since 2026-06-08" in text
    move = world.probability(0, 4) - world.probability(0, 1)
    assert f"{100 * move:+.2f}" in text
    answer = site.ask("/pages/accounts?since=2026-05-01&new=1")
    assert answer.status == 400
    assert b"Nothing is known that the scores could be compared with" in answer.content


def test_every_account_of_the_list_leads_to_its_page(site: TestSite) -> None:
    for order in ("", "&sort=account"):
        text = site.text(f"/pages/accounts?find=&starts=1{order}")
        links = re.findall(r'href="(/pages/account\?[^"]+)"', text)
        assert len(links) == 50
    odd = [name for name in world.ACCOUNTS if not name.startswith("B-")]
    for account in odd:
        text = site.text(f"/pages/accounts?find={quote(account, safe='')}")
        (link,) = re.findall(r'href="(/pages/account\?[^"]+)"', text)
        assert "<script" not in text
        shown = unescape(site.text(unescape(link)))
        assert visible(name_of(account)) in shown


def test_the_csv_holds_what_is_asked_for_and_no_formula(site: TestSite) -> None:
    answer = site.ask("/pages/accounts.csv?band=critical")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="accounts.csv"'
    head, *rows = csv.reader(io.StringIO(answer.content.decode()))
    assert tuple(head) == COLUMNS
    assert len(rows) == 12
    assert "'=HYPERLINK(1)" in [row[0] for row in rows]
    assert {row[3] for row in rows} == {"critical"}


@pytest.mark.parametrize(
    "query",
    [
        "band=worse",
        "sort=name",
        "tier=none",
        "moved_by=much",
        "moved_by=101",
        "since=yesterday",
        "after=[",
        "after=[1]",
        "after=" + quote('["x", "y"]'),
        "after=" + quote(r'[1, "\ud800"]'),
        "after=" + quote(r'[1, "\u0000"]'),
        "after=[1" + 400 * "0" + ",1]",
        "after=" + 999 * "[",
        "find=%00",
        "find=" + "x" * 1001,
        "&".join(f"x{n}=1" for n in range(201)),
    ],
)
def test_what_cannot_be_asked_is_said_and_not_guessed(site: TestSite, query: str) -> None:
    answer = site.ask(f"/pages/accounts?{query}")
    assert (answer.status, b"This cannot be asked" in answer.content) == (400, True)


def test_the_form_holds_what_was_asked(site: TestSite) -> None:
    text = site.text("/pages/accounts?find=b&band=high&tier=pro&moved_by=1,2%25&new=1&sort=moved")
    assert 'name="find" value="b"' in text
    assert 'value="high" checked' in text
    assert '<option value="pro" selected>' in text
    assert 'value="1,2%"' in text
    (csv_address,) = re.findall(r'href="(/pages/accounts.csv[^"]+)"', text)
    asked = Filter.of(Query(unescape(csv_address).partition("?")[2]))
    assert (asked.find, asked.bands, asked.tier, asked.new) == ("b", ("high",), "pro", True)
    wanted = asked.asked([" PRO", "pro", "free"], [])
    assert (wanted.tiers, wanted.moved_by, wanted.sort) == ((" PRO", "pro"), 0.012, "moved")


def test_a_place_of_another_order_is_no_error(site: TestSite) -> None:
    for place in (Place(float("inf"), ""), Place(-1.0, world.HOSTILE)):
        assert site.ask(f'/pages/accounts?after=[{place.key},"x"]').status in (200, 400)
    with pytest.raises(WrongQuestion):
        Query("a=%00")


@settings(max_examples=cases(50))
@given(text=st.text())
def test_whatever_a_form_is_given_it_hands_back(text: str) -> None:
    sent = for_form(text)
    assert sent.isprintable()
    assert from_form(sent) == text
