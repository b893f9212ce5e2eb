"""One training run and one scoring run of a small world, made once for all tests here."""

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import sql

from components.postgres.grants import Roles
from components.postgres.migrate import migrate
from components.postgres.queries import queries
from pipeline.demo.simulate import simulate
from tests.conftest import PASSWORD_GROUP, with_login
from tests.contract.conftest import execute, give_grants
from tests.contract.goinsight import GoInsight, check_published

PROGRAM = Path(sys.executable).with_name("tens-insight")
CANARY = "canary-7f3e9d41b2c8"
AS_OF = datetime(2026, 6, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Finished:
    """A command that ran in a process of its own."""

    code: int
    out: str
    err: str

    @property
    def summary(self):
        return json.loads(self.out.splitlines()[-1])

    @property
    def review(self):
        """The numbers of the evaluation report that the command names."""
        page = Path(self.summary["report"])
        assert page.name == "review.html"
        assert page.stat().st_size < 1_000_000
        text = page.with_name("review.json").read_text(encoding="utf-8")
        return json.loads(text, parse_constant=pytest.fail)


@dataclass(frozen=True)
class House:
    """A database with a world in it, a state directory, and whom it is opened to.

    `url` is the pipeline's role, `reader_url` GoInsight's: each with the rights that
    `db grants` prints and no others.
    """

    url: str
    reader_url: str
    admin_url: str
    state_dir: Path
    canary: str = CANARY
    as_of: datetime = AS_OF

    def run(self, *arguments, **settings):
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PG", "TENS_INSIGHT_"))
        }
        environment |= {
            "DATABASE_URL": self.url,
            "TENS_INSIGHT_STATE_DIR": str(self.state_dir),
            "TENS_INSIGHT_AS_OF": AS_OF.isoformat(),
            **settings,
        }
        done = subprocess.run(
            [PROGRAM, *arguments], env=environment, capture_output=True, text=True, timeout=900
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    def query(self, statement, *parameters):
        with contextlib.closing(psycopg2.connect(self.admin_url)) as connection:
            cursor = connection.cursor()
            cursor.execute(statement, parameters)
            return cursor.fetchall()


@pytest.fixture(scope="session", name="house_with")
def house_with_fixture():
    """Makes further houses."""
    return house_with


@contextlib.contextmanager
def house_with(server, state_dir, scenario, accounts, shape="plain"):
    """Makes a database with a world, and three roles that need a password."""
    name = server.create_database()
    roles = Roles(*(f"{who}_{name}" for who in ("installer", "pipeline", "reader")))
    admin = server.url(name)
    try:
        _make_roles(server, name, roles)
        execute(
            admin,
            "REVOKE ALL ON SCHEMA public FROM PUBLIC",
            queries("pipeline.demo")["create_inputs"],
        )
        give_grants(admin, roles)
        with contextlib.closing(
            psycopg2.connect(with_login(admin, roles.installer, CANARY))
        ) as connection:
            migrate(connection)
        with contextlib.closing(psycopg2.connect(admin)) as connection:
            world = {"accounts": accounts, "scenario": scenario, "shape": shape}
            simulate(connection, days=420, seed=3, end=AS_OF, **world)
        url, reader_url = (with_login(admin, one, CANARY) for one in (roles.pipeline, roles.reader))
        yield House(url.replace("postgresql://", "postgres://"), reader_url, admin, state_dir)
    finally:
        server.drop_database(name)
        for role in vars(roles).values():
            server.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


def _make_roles(server, database, roles):
    """Makes the roles, and takes from everybody what a new database gives to all."""
    statement = "CREATE ROLE {} LOGIN PASSWORD {} IN ROLE {}"
    for name in vars(roles).values():
        parts = sql.Identifier(name), sql.Literal(CANARY), sql.Identifier(PASSWORD_GROUP)
        server.execute(sql.SQL(statement).format(*parts))
    revoke = sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC")
    server.execute(revoke.format(sql.Identifier(database)))


@pytest.fixture(scope="session")
def house(postgres_server, tmp_path_factory):
    """A strong world, small enough for a test and large enough for the gate."""
    with house_with(postgres_server, tmp_path_factory.mktemp("house"), "strong", 4_000) as made:
        yield made


@pytest.fixture(scope="session")
def settings_for_small_worlds():
    """420 days hold one lookback of 180 days and two horizons, and nine training cutoffs."""
    return {"TENS_INSIGHT_MIN_CHURNED": "10"}


@pytest.fixture(scope="session")
def trained(house, settings_for_small_worlds):
    """The finished `run train`."""
    return house.run("run", "train", "--json", **settings_for_small_worlds)


@pytest.fixture(scope="session")
def published_by_training(house, trained):
    """account_risk_scores as the training run left it."""
    return house.query("SELECT * FROM account_risk_scores ORDER BY account_id")


@pytest.fixture(scope="session")
def consumer_after_training(house, trained):
    """What GoInsight could not live on after the training run; None if all is well."""
    return _what_the_consumer_misses(house)


@pytest.fixture(scope="session")
def consumer_after_scoring(house, scored):
    """What GoInsight could not live on after the scoring run; None if all is well."""
    return _what_the_consumer_misses(house)


def _what_the_consumer_misses(house):
    try:
        check_published(GoInsight(house.reader_url))
    except (AssertionError, ValueError, psycopg2.Error) as error:
        return error
    return None


@pytest.fixture(scope="session")
def areas_by_training(house, trained):
    """product_area_impact as the training run left it."""
    return house.query("SELECT * FROM product_area_impact ORDER BY product_area, segment")


@pytest.fixture(scope="session")
def areas_by_scoring(house, scored):
    """product_area_impact as the scoring run left it."""
    return house.query("SELECT * FROM product_area_impact ORDER BY product_area, segment")


@pytest.fixture(scope="session")
def published_by_scoring(house, scored):
    """account_risk_scores as the scoring run left it."""
    return house.query("SELECT * FROM account_risk_scores ORDER BY account_id")


@pytest.fixture(scope="session")
def scored(
    house,
    published_by_training,
    areas_by_training,
    consumer_after_training,
    settings_for_small_worlds,
):
    """The finished `run score` after it."""
    return house.run("run", "score", "--json", **settings_for_small_worlds)
