"""All pages together: which there are, and how an answer is made of what is asked for."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from typing import Any, Final

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import (
    ContractBroken,
    OtherDatabase,
    TensInsightError,
    UnknownAccount,
    UnknownModel,
)
from components.postgres.failures import ServerBrokeOff, StatementCancelled, explained
from components.postgres.identity import read_identity
from components.postgres.rows import value
from pipeline.pages import account, accounts, area, areas, model_pages, monitoring, overview, report
from pipeline.pages.frame import Answer, framed, problem_page, sent
from pipeline.pages.page import HTML, NotThere, Page, Query, View, Whole, WrongQuestion
from pipeline.registry.state_claim import require_state_of
from pipeline.serving.read_only import read_only_connection
from pipeline.settings import Settings

PAGES: Final[tuple[Page, ...]] = (
    overview.PAGE,
    accounts.PAGE,
    accounts.CSV_PAGE,
    account.PAGE,
    areas.PAGE,
    area.PAGE,
    model_pages.MODELS,
    model_pages.MODEL,
    model_pages.COMPARE,
    report.PAGE,
    monitoring.PAGE,
)
"""In the order of the navigation."""
READ_BY_PAGES: Final = tuple(dict.fromkeys(name for page in PAGES for name in page.reads))
"""Tables and views that some page reads beside what every server's role may read."""
_BY_PATH: Final = {page.path: page for page in PAGES}
_REST_S: Final = 1.0
"""Seconds for which a database that did not answer is not asked."""
_AWAY: Final = "The database cannot be asked now. Try again; the server's log says what it is."
_log = logging.getLogger(__name__)


class Site:
    """Answers what is asked for, one question at a time, on one connection.

    Args:
        settings: Of the installation.
    """

    def __init__(self, settings: Settings):
        self._settings = settings
        self._connection: Connection | None = None
        self._rest_until = 0.0

    def answer(self, path: str, query: str = "", given: Any = None) -> Answer:
        """Returns a page, or a page that says why there is none.

        Args:
            path: Of a page.
            query: What stands behind the question mark.
            given: For the page's View.
        """
        page = _BY_PATH.get(path)
        if page is None:
            return self.problem(404, "There is no such page.")
        try:
            asked = Query(query)
            try:
                return self._built(page, asked, given)
            except ServerBrokeOff:
                # It was started again, or somebody on the way closed what was idle.
                self.close()
                return self._built(page, asked, given)
        except (NotThere, UnknownAccount, UnknownModel) as error:
            return self.problem(404, str(error), path)
        except WrongQuestion as error:
            return self.problem(400, str(error), path)
        except StatementCancelled:
            self.close()
            seconds = self._settings.serving.serve_statement_seconds
            return self.problem(
                503, f"The database did not answer within {seconds} seconds. Try again.", path
            )
        except (TensInsightError, psycopg2.Error) as error:
            return self._failed(error, path)

    def close(self) -> None:
        """Closes the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg2.Error):
                connection.close()

    def problem(self, status: int, sentence: str, path: str = "") -> Answer:
        """Returns a page that says why there is no other."""
        return problem_page(status, sentence, PAGES, path)

    def _built(self, page: Page, asked: Query, given: Any) -> Answer:
        with self._reading() as (cursor, now):
            found = page.build(View(cursor, self._settings, asked, now, given))
        if isinstance(found, Whole):
            return sent(found.content, found.media_type, filename=found.filename)
        return sent(framed(found, PAGES, page.path, now), HTML)

    @contextmanager
    def _reading(self) -> Iterator[tuple[Cursor, datetime]]:
        if time.monotonic() < self._rest_until:
            raise _Resting(_AWAY)
        connection = self._connected()
        try:
            with explained(connection), connection.cursor() as cursor:
                cursor.execute("SELECT now()")
                yield cursor, value(cursor).astimezone(timezone.utc)
        finally:
            with suppress(psycopg2.Error):
                connection.rollback()

    def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            seconds = self._settings.serving.serve_statement_seconds
            connection = read_only_connection("tens-insight serve pages", seconds)
            try:
                with explained(connection):
                    require_state_of(self._settings, read_identity(connection))
                    connection.rollback()
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _failed(self, error: Exception, path: str) -> Answer:
        self.close()
        if isinstance(error, _Resting):
            return self.problem(503, _AWAY, path)
        # What psycopg2 says in its own words may quote rows.
        own = isinstance(error, TensInsightError)
        _log.warning("%s", error if own else f"{type(error).__name__} of the database")
        if isinstance(error, ContractBroken | OtherDatabase):
            return self.problem(503, str(error), path)
        self._rest_until = time.monotonic() + _REST_S
        return self.problem(503, _AWAY, path)


class _Resting(TensInsightError):
    """The database did not answer a moment ago."""
