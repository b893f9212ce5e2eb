"""Every kind of alert: one notification, one resolve, however often somebody looks."""

from contextlib import closing

import psycopg2
import pytest

from components.alerts.alert import KINDS, Alert
from components.alerts.alert_table import tell
from components.errors import (
    ContractBroken,
    DatabaseUnreachable,
    DataGateStopped,
    PublicationRefused,
    StateUnusable,
)
from pipeline.alerts import facts
from pipeline.alerts.facts import FromMetadata
from pipeline.alerts.look import look
from pipeline.settings import load_settings
from tests.contract.conftest import execute
from tests.pipeline.test_status import FOREIGN, publish_scores, run_ends

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
REFUSAL = (
    "INSERT INTO tens_insight.refusals (attempt, target_table, as_of, model_version, run_id, "
    "rows_staged, category_shares, broken_limits, refused_by) VALUES (gen_random_uuid(), "
    "'account_risk_scores', now(), 'm', '{run}', 9, '{{}}', '{{}}', 'me')"
)
DRIFT = (
    "INSERT INTO tens_insight.drift_metrics SELECT as_of, as_of, 'moment', run_id, publication_id, "
    "model_version, 'previous', '', '', '', '{column}', '{metric}', 0.5, 0.1, 0.2, 'jump', 9, 3, "
    "{alarm}, {opened} FROM tens_insight.publications ORDER BY publication_id DESC LIMIT 1"
)
REALISED = (
    "INSERT INTO tens_insight.model_performance SELECT publication_id, horizon_days, 'realised', "
    "'overall', '', '', 'auc', {value}, {value} - 0.02, {value} + 0.02, model_version, as_of "
    "FROM tens_insight.publications ORDER BY publication_id DESC LIMIT 1"
)


class Scene:
    """What makes an alert hold, and what ends it."""

    def __init__(self, url, monkeypatch):
        self.url, self.patch = url, monkeypatch

    def run(self, statement):
        execute(self.url, statement)

    def fails(self, error):
        return lambda: run_ends(error)

    def ends_well(self):
        run_ends()

    def metadata(self, **found):
        def patch():
            self.patch.setattr("pipeline.alerts.look.read_facts", reading(FromMetadata(**found)))

        return patch

    def set(self, name, value):
        return lambda: self.patch.setenv(name, value)

    def unset(self, name):
        return lambda: self.patch.delenv(name)

    def scene(self, kind):
        return getattr(self, kind)()

    def run_failed(self):
        return self.fails(ContractBroken("A table is missing.")), self.ends_well

    def run_missed(self):
        self.run("UPDATE tens_insight.runs SET started_at = started_at - interval '30 hours'")
        self.run("UPDATE tens_insight.database_identity SET made_at = now() - interval '9 days'")
        aged = "UPDATE tens_insight.publications SET published_at = now() - interval '30 hours'"

        def age():
            self.run(aged)
            for path in (load_settings().runs_dir).glob("*.json"):
                path.unlink()

        return age, self.ends_well

    def data_gate_stopped(self):
        return self.fails(DataGateStopped("Too few accounts.")), self.ends_well

    def breaker_refused(self):
        def refuse():
            # The run looks for alerts at its end: what it refused is there by then.
            from pipeline.runs.attempt import attempted

            with attempted("score", load_settings()) as attempt:
                self.run(REFUSAL.format(run=attempt.run_id))
                attempt.failed(PublicationRefused("It would change too much."))

        return refuse, self.ends_well

    def database_unreachable(self):
        away = self.set("DATABASE_URL", NOWHERE)
        return away, self.set("DATABASE_URL", self.url)

    def metadata_unreachable(self):
        path = load_settings().metadata_path
        return lambda: path.write_text("no database at all" * 99), path.unlink

    def model_not_loadable(self):
        return self.metadata(model_problem="gone", model_version="m"), self.metadata()

    def odd_scores(self):
        values = {"column": "churn_probability", "metric": "mean log-odds"}
        return self._unusual(values)

    def drift(self):
        return self._unusual({"column": ":table", "metric": "events"})

    def _unusual(self, values):
        def begin():
            self.run(DRIFT.format(**values, alarm="true", opened="as_of"))

        def end():
            publish_scores(hours_ago=0)
            self.run(DRIFT.format(**values, alarm="false", opened="NULL"))

        return begin, end

    def performance_low(self):
        def end():
            publish_scores(hours_ago=0)
            self.run("UPDATE tens_insight.publications SET horizon_days = 60")
            self.run(REALISED.format(value=0.7))

        self.run("UPDATE tens_insight.publications SET horizon_days = 60")
        return lambda: self.run(REALISED.format(value=0.5)), end

    def scores_stale(self):
        old = "UPDATE tens_insight.publications SET as_of = as_of - interval '60 hours'"
        return lambda: self.run(old), lambda: publish_scores(hours_ago=1)

    def foreign_writer(self):
        gone = "DELETE FROM account_risk_scores WHERE account_id LIKE 'X%'"
        return lambda: self.run(FOREIGN), lambda: self.run(gone)

    def disk_nearly_full(self):
        name = "TENS_INSIGHT_ALERT_DISK_FREE_PERCENT"
        return self.set(name, "100"), self.set(name, "0")

    def stream_behind(self):
        begin = (
            "INSERT INTO tens_insight.stream_positions VALUES "
            "('scan', '{}', now(), now() - interval '40 minutes')"
        )
        end = "UPDATE tens_insight.stream_positions SET committed_at = now()"
        return lambda: self.run(begin), lambda: self.run(end)

    def challenger_refused(self):
        return self.metadata(refused=("a", "b", "c")), self.metadata(model_version="m")

    def sink_failed(self):
        """A second sink fails at something that only it is told."""
        name = "TENS_INSIGHT_ALERT_COMMAND"

        def begin():
            self.patch.setenv(name, '["false"]')
            self.say_something()

        def end():
            self.patch.setenv(name, '["true"]')
            self.run("UPDATE tens_insight.alert_deliveries SET next_attempt_at = now()")

        return begin, end

    def say_something(self):
        with closing(psycopg2.connect(self.url)) as connection, connection:
            tell(connection.cursor(), Alert("policy_act", "retrain", "It trained."))

    def policy_act(self):
        return self.say_something, lambda: None


def reading(metadata):
    """read_facts, with what ML Metadata would say."""
    from dataclasses import replace

    return lambda *arguments, **named: replace(
        facts.read_facts(*arguments, **named), metadata=metadata
    )


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_told_once_and_ends_once(kind, installation, monkeypatch, told):
    begin, end = Scene(installation, monkeypatch).scene(kind)
    look(load_settings())
    assert told() == []
    begin()
    for _ in range(3):
        look(load_settings())
    begun = told()
    if kind == "sink_failed":
        begun.remove(("told", "policy_act"))  # at which the other sink failed
    assert begun == [("opened" if KINDS[kind].lasts else "told", kind)]
    end()
    for _ in range(3):
        look(load_settings())
    assert told() == ([("resolved", kind)] if KINDS[kind].lasts else [])


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (DatabaseUnreachable("No database is there."), "database_unreachable"),
        (DatabaseUnreachable("None (from METADATA_DATABASE_URL)."), "metadata_unreachable"),
        (StateUnusable("The files of model m are gone."), "model_not_loadable"),
        (KeyError("ACC-1"), "run_failed"),
        (SystemExit(143), "run_failed"),
    ],
)
def test_a_run_that_ends_for_a_known_reason_is_told_as_that(error, kind, installation, told):
    run_ends(error)
    look(load_settings())
    assert told() == [("opened", kind)]
    run_ends()
    look(load_settings())
    assert told() == [("resolved", kind)]
