"""One filled database, a role with the rights of a server, and the pages of it in a browser."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest
from playwright.sync_api import Browser, Route
from psycopg2 import sql

from components.postgres.grants import server_statements
from pipeline.pages.frame import Answer
from pipeline.pages.site import READ_BY_PAGES, Site
from pipeline.settings import load_settings
from tests.components.model_review.page.browser_page import Opened, started
from tests.conftest import PASSWORD_GROUP, Server, with_login
from tests.environment import unset_settings
from tests.pipeline.pages import model_world, monitor_world, world

_HOST = "http://pages.test"


@dataclass(frozen=True)
class TestSite:
    """The pages of the filled database.

    Attributes:
        admin_url: Of the database, for the owner of its tables.
        url: For the role of the server.
        site: The pages.
        state_dir: With models and reports.
    """

    __test__ = False
    admin_url: str
    url: str
    site: Site
    state_dir: Path

    def ask(self, address: str, given: Any = None) -> Answer:
        """Returns what is answered to an address such as /pages/account?id=x."""
        path, _, query = address.partition("?")
        with named(self.url):
            return self.site.answer(path, query, given)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Returns the rows of a query by the owner of the tables."""
        connected = closing(psycopg2.connect(self.admin_url))
        with connected as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    def text(self, address: str, given: Any = None) -> str:
        """Returns a page that is there."""
        answer = self.ask(address, given)
        assert answer.status == 200, answer.content
        return answer.content.decode()


@contextmanager
def named(url: str) -> Iterator[None]:
    """Lets DATABASE_URL name a database."""
    with pytest.MonkeyPatch.context() as patch:
        for variable in [name for name in os.environ if name.startswith("PG")]:
            patch.delenv(variable)
        patch.setenv("DATABASE_URL", url)
        yield


@pytest.fixture(scope="session")
def site(
    postgres_server: Server, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestSite]:
    """The pages of a database that no test changes; the role has what `--server` grants."""
    database = postgres_server.create_database(migrated_template)
    admin, role = postgres_server.url(database), f"server_{database}"
    try:
        with named(admin), pytest.MonkeyPatch.context() as patch:
            unset_settings(patch)
            patch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path_factory.mktemp("pages")))
            world.fill(admin)
            settings = load_settings()
            monitor_world.fill(admin, world.HOSTILE)
            weeks = (world.AS_OF, world.WEEKS)
            model_world.fill(settings.state_dir, admin, *weeks, world.HOSTILE)
        _make_role(postgres_server, admin, role)
        own = with_login(admin, role, "secret-of-the-test")
        yield TestSite(admin, own, Site(settings), settings.state_dir)
    finally:
        postgres_server.drop_database(database)
        postgres_server.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


def _make_role(server: Server, admin: str, role: str) -> None:
    name, group = sql.Identifier(role), sql.Identifier(PASSWORD_GROUP)
    server.execute(
        sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'secret-of-the-test' IN ROLE {}").format(name, group)
    )
    with closing(psycopg2.connect(admin)) as connection, connection:
        churn = ("account_churn", ("account_id", "churned_at"))
        tables = {"reads_publications": False, "read_by_pages": READ_BY_PAGES}
        connection.cursor().execute(server_statements(connection, role, *churn, **tables))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for this module."""
    with started() as found:
        yield found


@contextmanager
def window(
    browser: Browser, site: TestSite, *, width: int = 1280, **options: Any
) -> Iterator[Opened]:
    """Opens a window that is shown pages as the server sends them, headers and all; no network.

    Args:
        browser: As started.
        site: Answers what the browser asks for.
        width: Of the window, px.
        options: Of the browser's context, such as color_scheme.
    """
    size = {"width": width, "height": 800}
    context = browser.new_context(**{"viewport": size, "java_script_enabled": False} | options)
    found = Opened(context.new_page())

    def decide(route: Route) -> None:
        url = route.request.url
        if not url.startswith(f"{_HOST}/pages"):
            found.requests.append(url)
            route.abort()
            return
        answer = site.ask(url.removeprefix(_HOST))
        route.fulfill(status=answer.status, headers=answer.headers, body=answer.content)

    context.route("**/*", decide)
    found.page.on("console", lambda one: found.messages.append(f"console: {one.text}"))
    found.page.on("pageerror", lambda one: found.messages.append(f"error: {one}"))
    found.page.on("requestfailed", lambda one: found.messages.append(f"failed: {one.url}"))
    try:
        yield found
    finally:
        context.close()


def show(found: Opened, address: str) -> None:
    """Opens a page such as /pages/accounts?band=high in a window that may have shown others."""
    found.requests.clear()
    found.messages.clear()
    found.page.emulate_media(media="screen")
    found.page.goto(f"{_HOST}{address}")


def save(folder: Path, name: str, found: Opened) -> None:
    """Saves a picture of a page, to look at."""
    found.page.screenshot(path=folder / f"{name}.png", full_page=True)


def database_of(url: str) -> str:
    """Returns the name of the database."""
    return urlsplit(url).path.lstrip("/")
