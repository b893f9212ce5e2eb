"""One training run and one scoring run of a small world, made once for all tests here."""

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest
from psycopg2 import sql

from components.postgres.migrate import migrate
from pipeline.demo.simulate import simulate

PROGRAM = Path(sys.executable).with_name("tens-insight")
CANARY = "canary-7f3e9d41b2c8"
ROLE = "tens_insight_pipeline"
AS_OF = datetime(2026, 6, 1, tzinfo=timezone.utc)
GRANTS = (
    "GRANT SELECT ON feedback_enriched, account_churn TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON account_risk_scores, product_area_impact TO {role}",
    "GRANT USAGE ON SCHEMA tens_insight TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA tens_insight TO {role}",
)


@dataclass(frozen=True)
class Finished:
    """A command that ran in a process of its own."""

    code: int
    out: str
    err: str

    @property
    def summary(self):
        return json.loads(self.out.splitlines()[-1])


@dataclass(frozen=True)
class House:
    """A database with a world in it, a state directory, and the role that runs pipelines."""

    url: str
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
def house_with(server, state_dir, scenario, accounts):
    """Makes a database with a world, and a role with a password and no more rights than needed."""
    name = server.create_database()
    user = f"{ROLE}_{scenario}"
    role = sql.Identifier(user)
    try:
        admin = server.url(name)
        with contextlib.closing(psycopg2.connect(admin)) as connection:
            migrate(connection)
            simulate(connection, accounts=accounts, days=420, seed=3, scenario=scenario, end=AS_OF)
            with connection, connection.cursor() as cursor:
                cursor.execute(
                    sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(CANARY))
                )
                cursor.execute(sql.SQL("GRANT password_required TO {}").format(role))
                for grant in GRANTS:
                    cursor.execute(sql.SQL(grant).format(role=role))
        parts = urlsplit(admin)
        query = "&".join(part for part in parts.query.split("&") if not part.startswith("user="))
        host = parts.netloc.rpartition("@")[2]
        url = f"postgres://{user}:{CANARY}@{host}{parts.path}?{query}"
        yield House(url, admin, state_dir)
    finally:
        server.drop_database(name)
        server.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(role))


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
def scored(house, published_by_training, areas_by_training, settings_for_small_worlds):
    """The finished `run score` after it."""
    return house.run("run", "score", "--json", **settings_for_small_worlds)
