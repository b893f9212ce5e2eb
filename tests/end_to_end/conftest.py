"""One training run and one scoring run of one world, made once for all tests here.

The world is the smallest that the gate lets through: what is tested is how things are wired.
"""

import contextlib
import json
import os
import shutil
import sys
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import urlsplit

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
from tests.forked_command import Finished, run_fresh, run_module

SMALLEST_BLESSED = {
    "TENS_INSIGHT_MEMBERS": "1",
    "TENS_INSIGHT_MIN_AUC": "0.5",
    "TENS_INSIGHT_MIN_CHURNED": "5",
    "TENS_INSIGHT_MAX_WORSENING": '{"auc": 0.05, "pr_auc": 0.1, "log_loss": 0.05}',
}
"""Settings with which the gate blesses a model of ACCOUNTS_BLESSED accounts of the strong world.

Of 400 accounts too few left: the lower end of AUC must lie above chance. Of 800 chance alone moves
AUC beside logistic regression's by more than the default allows.
"""
ACCOUNTS_BLESSED = 800
SCORES = (
    "SELECT account_id, churn_probability, health_score, risk_category, predicted_at "
    "FROM account_risk_scores ORDER BY account_id"
)
AREAS = "SELECT * FROM product_area_impact ORDER BY product_area, segment"
DETAILS = (
    "SELECT account_id, percentile, lift, base_rate, churn_by_horizon, tenure_days, "
    "silence_state, base_log_odds, reasons "
    "FROM tens_insight.account_risk_details ORDER BY account_id"
)
ROOT = Path(__file__).parents[2]
TFX = Path(sys.executable).with_name("tfx")
PROGRAM = Path(sys.executable).with_name("tens-insight")
CANARY = "canary-7f3e9d41b2c8"
AS_OF = datetime(2026, 6, 1, tzinfo=timezone.utc)


class Run(Finished):
    """A command of ours that ran in a process of its own."""

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
class Installation:
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

    def environment(self, settings):
        """Returns the variables that a command here gets, `settings` among them."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PG", "TENS_INSIGHT_"))
        }
        return inherited | {
            "DATABASE_URL": self.url,
            "TENS_INSIGHT_STATE_DIR": str(self.state_dir),
            "TENS_INSIGHT_AS_OF": AS_OF.isoformat(),
            "COLUMNS": "250",
            **settings,
        }

    def run(self, *arguments, **settings):
        """Runs a command in a fork of a process that has TFX loaded."""
        done = run_module("pipeline.cli", arguments, self.environment(settings))
        return Run(done.code, done.out, done.err)

    def run_program(self, *arguments, **settings):
        """Runs the installed program in a fresh process, as a user does."""
        done = run_fresh([PROGRAM, *arguments], self.environment(settings))
        return Run(done.code, done.out, done.err)

    def query(self, statement, *parameters):
        with contextlib.closing(psycopg2.connect(self.admin_url)) as connection:
            cursor = connection.cursor()
            cursor.execute(statement, parameters)
            return cursor.fetchall()


@pytest.fixture(scope="session", name="installation_with")
def installation_with_fixture():
    """Makes further installations."""
    return installation_with


@contextlib.contextmanager
def installation_with(server, state_dir, scenario, accounts, shape="plain"):
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
        yield Installation(
            url.replace("postgresql://", "postgres://"), reader_url, admin, state_dir
        )
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
def installation(postgres_server, tmp_path_factory):
    """The smallest world whose models are blessed, with the settings SMALLEST_BLESSED."""
    folder = tmp_path_factory.mktemp("installation")
    with installation_with(postgres_server, folder, "strong", ACCOUNTS_BLESSED) as made:
        yield made


@pytest.fixture(scope="session", name="copy_of_installation")
def copy_of_installation_fixture(installation, scored, postgres_server):
    """Makes copies of the installation after both runs, so that other tests see no further run."""
    del scored  # ran

    @contextlib.contextmanager
    def copied(state_dir):
        source = urlsplit(installation.admin_url).path
        name = postgres_server.create_database(source.lstrip("/"))
        shutil.copytree(installation.state_dir, state_dir)
        urls = {
            role: getattr(installation, role).replace(f"{source}?", f"/{name}?")
            for role in ("url", "reader_url", "admin_url")
        }
        try:
            yield replace(installation, state_dir=state_dir, **urls)
        finally:
            postgres_server.drop_database(name)

    return copied


@pytest.fixture
def copied_installation(copy_of_installation, tmp_path):
    """The installation after both runs, to change."""
    with copy_of_installation(tmp_path / "state") as made:
        yield made


@pytest.fixture(scope="session")
def settings_for_small_worlds():
    """420 days hold one lookback of 180 days and two horizons, and nine training cutoffs."""
    return {"TENS_INSIGHT_MIN_CHURNED": "10"}


def told(installation):
    """Returns settings by which the runs here leave metrics and events beside the state."""
    folder = installation.state_dir.with_name(f"{installation.state_dir.name}-told")
    folder.mkdir(exist_ok=True)
    return {
        "TENS_INSIGHT_METRICS_TEXTFILE": str(folder / "tens-insight.prom"),
        "TENS_INSIGHT_OPENLINEAGE_FILE": str(folder / "events.ndjson"),
    }


@pytest.fixture(scope="session")
def trained(installation):
    """The finished `run train`, of the installed program."""
    settings = SMALLEST_BLESSED | told(installation)
    return installation.run_program("run", "train", "--json", **settings)


@pytest.fixture(scope="session")
def published_by_training(installation, trained):
    """account_risk_scores as the training run left it."""
    return installation.query("SELECT * FROM account_risk_scores ORDER BY account_id")


@pytest.fixture(scope="session")
def consumer_after_training(installation, trained):
    """What GoInsight could not live on after the training run; None if all is well."""
    return _what_the_consumer_misses(installation)


@pytest.fixture(scope="session")
def consumer_after_scoring(installation, scored):
    """What GoInsight could not live on after the scoring run; None if all is well."""
    return _what_the_consumer_misses(installation)


def _what_the_consumer_misses(installation):
    try:
        check_published(GoInsight(installation.reader_url))
    except (AssertionError, ValueError, psycopg2.Error) as error:
        return error
    return None


@pytest.fixture(scope="session")
def areas_by_training(installation, trained):
    """product_area_impact as the training run left it."""
    return installation.query("SELECT * FROM product_area_impact ORDER BY product_area, segment")


@pytest.fixture(scope="session")
def details_by_training(installation, trained):
    """account_risk_details as the training run left it."""
    return installation.query(DETAILS)


@pytest.fixture(scope="session")
def areas_by_scoring(installation, scored):
    """product_area_impact as the scoring run left it."""
    return installation.query("SELECT * FROM product_area_impact ORDER BY product_area, segment")


@pytest.fixture(scope="session")
def published_by_scoring(installation, scored):
    """account_risk_scores as the scoring run left it."""
    return installation.query("SELECT * FROM account_risk_scores ORDER BY account_id")


@pytest.fixture(scope="session")
def scored(
    installation,
    published_by_training,
    areas_by_training,
    details_by_training,
    consumer_after_training,
):
    """The finished `run score` after it."""
    return installation.run("run", "score", "--json", **SMALLEST_BLESSED | told(installation))
