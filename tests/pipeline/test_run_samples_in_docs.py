"""Samples of runs in docs are what the code prints of what was measured; WRITE_SAMPLES=1 renews.

No run is repeated: the figures below are those of a run, and the same functions as at its end print
them. Seconds of steps are not compared, the steps are. The tables of the checks are left out.
"""

import io
import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from ml_metadata import MetadataStore
from rich.console import Console

from components.data_checker.checks import Check
from components.errors import OtherDatabase, StateDirectoryBusy
from components.model_gate.band_worth import BandsWorth, worth_of
from components.model_gate.decision_file import Decision, JudgedHorizon
from components.model_gate.gate_check import GateCheck
from components.model_trainer.chosen import SET_EXPLICITLY, choose
from components.postgres.identity import DatabaseIdentity
from components.publishing.published import AccountRisk, PublishedArea
from components.registry.input_properties import ChurnFacts, Split
from components.registry.model_properties import (
    BlessingProperties,
    HyperParametersProperties,
    ModelProperties,
)
from components.registry.monitoring_properties import MonitoringProperties
from components.registry.published_properties import (
    Estimated,
    PublishedAreasProperties,
    RecordedOutcomesProperties,
)
from components.registry.store_identity import read_store, require_database, write_store
from components.verdicts import PASSED, SKIPPED
from pipeline import training
from pipeline.exit_codes import CONFIGURATION_INVALID, STATE_DIRECTORY_BUSY
from pipeline.logs import logging_restored
from pipeline.registry.metadata_store import connection_config
from pipeline.runs.attempt import attempted
from pipeline.runs.data_checks import DataChecks
from pipeline.runs.run_lock import run_lock
from pipeline.runs.summary import RunSummary
from pipeline.runs.tuning_run import TuningSummary
from pipeline.settings import default_settings, load_settings
from pipeline.text.model_facts import hyperparameters_words
from pipeline.text.status import well_sentence
from pipeline.text.summary import render_summary, render_tuning
from serving_model.evaluation.ranking import FirstAccounts, FirstDifference
from serving_model.served.risk_bands import CONTRACT_BANDS, RiskBands
from tests.components.sample_properties import examples_properties, scores_properties
from tests.pipeline.registry.conftest import make_shelf

ROOT = Path(__file__).parents[2]
WRITE = os.environ.get("WRITE_SAMPLES") == "1"
STEP = re.compile(r"^  (\w[\w ]*?) +\d+\.\d s$", re.MULTILINE)
OUTSIDE = ["Starting embedded Postgres", "Simulating feedback", "Checking the database",
           "Loading TFX", "Summary"]  # fmt: skip
"""Steps that are no nodes of a pipeline."""
STATE = "/srv/tens-insight/var, the default; TENS_INSIGHT_STATE_DIR names another"
CHALLENGER = "20261129-2329b021"
VERDICT = (
    "BLESSED: auc above chance is 0.6593 [0.6032, 0.7135] on 1406 accounts (97 churned): lower end "
    "above 0.5; 30 checks passed, 9 skipped"
)
NOT_CLOSED = "its window is not closed: the evaluation set sees 60 days after its cutoff"
RISKS = {
    "ACC-001701": 0.411, "ACC-000527": 0.403, "ACC-001762": 0.393, "ACC-000372": 0.367,
    "ACC-000610": 0.352, "ACC-002129": 0.342, "ACC-002722": 0.342, "ACC-001380": 0.326,
    "ACC-000658": 0.297, "ACC-000375": 0.292,
}  # fmt: skip
AREAS = [
    PublishedArea("performance", "pro", 84.7, 2393, 0.0, 693, 269),
    PublishedArea("performance", "enterprise", 71.3, 2172, 0.11, 465, 180),
    PublishedArea("performance", "free", 68.4, 1949, -0.04, 600, 237),
    PublishedArea("billing", "pro", 53.9, 1851, 0.07, 459, 201),
    PublishedArea("features", "pro", 51.7, 2015, 0.04, 541, 162),
    PublishedArea("features", "enterprise", 51.7, 1676, 0.13, 354, 125),
    PublishedArea("billing", "free", 49.6, 1579, -0.02, 488, 200),
    PublishedArea("features", "free", 48.8, 1660, -0.02, 482, 185),
    PublishedArea("ui_ux", "pro", 47.9, 1688, 0.03, 467, 180),
    PublishedArea("ui_ux", "free", 41.6, 1358, -0.02, 414, 158),
]
RUNS = "docs/runs.md"
TUNER_RUN = "tuned-20261125-e001610e"
FOUND = {"learning_rate": 0.000515, "epochs": 8, "l2": 0.000862, "dropout": 0.312,
         "hidden_units": [64]}  # fmt: skip


def cutoffs(first: str, count: int, last: str) -> str:
    return ",".join(f"{day}T00:00:00+00:00" for day in [first] * (count - 1) + [last])


def data_checks(passed: int, skipped: int) -> DataChecks:
    why = "share of rows that vanished: not compared: no earlier run has published"
    verdicts = [(PASSED, "")] * passed + [(SKIPPED, why)] * skipped
    return DataChecks(
        checks=[Check(f"check {n}", "size", (), 0, "", *one) for n, one in enumerate(verdicts)]
    )


def worth_on_evaluation() -> BandsWorth:
    """Of 1,406 accounts 8 were medium, 4 of which left, and 93 of the others did."""
    labels = np.repeat([1.0, 0.0, 1.0, 0.0], [4, 4, 93, 1305])
    probabilities = np.repeat([0.3, 0.07], [8, 1398])
    (found,) = worth_of([CONTRACT_BANDS], labels, probabilities, [""] * 1406)
    return found


def trained() -> RunSummary:
    """The first run on the demo's world."""
    churn = ChurnFacts(1461, 311, 0, 0, 0, 0, 0, known_until="2026-11-29T00:00:00+00:00")
    data = examples_properties(
        as_of="2026-11-29T00:00:00+00:00",
        feedback_rows=133664,
        rows_without_account=10661,
        accounts_with_one_row=234,
        accounts_cut=1,
    )
    splits = {
        "train": Split(cutoffs("2026-02-28", 12, "2026-08-01"), 16273, 1324),
        "eval": Split(cutoffs("2026-09-30", 1, "2026-09-30"), 1406, 97),
    }
    published = scores_properties(
        as_of="2026-11-29T00:00:00+00:00",
        model_version=CHALLENGER,
        published_count=1446,
        mean_probability=0.072,
        risk_bands=RiskBands("probability").describe(),
        category_medium=15,
        category_low=1431,
        bands_warning=(
            "the rule of the risk bands (probability) tells few accounts apart: 0 of 1446 are high "
            "or critical, 1431 low. With TENS_INSIGHT_RISK_BANDS=lift 38 would be high or critical "
            "(docs/risk-bands.md)"
        ),
    )
    above_chance = GateCheck(
        "auc above chance", "overall", 0.6593, (0.6032, 0.71349), "", 0.5, PASSED, 1406, 97, ""
    )
    metrics = {"auc": 0.65934, "pr_auc": 0.152, "log_loss": 0.2394, "calibration_error": 0.0180}
    gate = Decision(
        True, VERDICT, CHALLENGER, None, {}, {}, (above_chance,), {"challenger": dict(metrics)},
        [], [],
        horizons=[
            JudgedHorizon(90, NOT_CLOSED, 0, 0)
        ],
        first_accounts=[
            FirstAccounts("challenger", 100, 16, 0.16, (0.09, 0.24), 0.16495, (0.09637, 0.23853)),
            FirstAccounts("recency", 100, 7, 0.07, (0.03, 0.12), 0.07216, (0.02970, 0.12767)),
            FirstAccounts("cold_start_rule", 100, 6, 0.06, (0.02, 0.11), 0.06186, (0.0206, 0.113)),
        ],
        first_differences=[
            FirstDifference("recency", 100, 9.0, (1.0, 18.0)),
            FirstDifference("cold_start_rule", 100, 10.0, (2.0, 18.0)),
        ],
    )  # fmt: skip
    areas = PublishedAreasProperties(
        as_of=data.as_of, weights_version="weights-96aa6f9c", window_days=90, rows=25512,
        unnamed_rows=0, published_count=18, removed_count=0,
    )  # fmt: skip
    made = "var/pipeline_root/tens-insight-train"
    return RunSummary(
        pipeline="tens-insight-train",
        run_id="",
        database="postgres@/srv/tens-insight/var/postgres/socket:5432/tens_insight",
        state_dir=STATE,
        data=replace(data, splits=splits, truth={"churn": churn}),
        published=published,
        highest=[AccountRisk(name, value, "medium") for name, value in RISKS.items()],
        areas=areas,
        top_areas=AREAS,
        model_uri=f"{made}/ModelTrainer/model/11/Format-Serving",
        champion=ModelProperties(model_version=CHALLENGER),
        gate=gate,
        pushed_to="var/serving/churn/1795992342",
        hyperparameters_from=choose({}, ModelProperties(), None).origin,
        data_gate=data_checks(107, 2),
        report=f"{made}/ModelReview/review/17/review.html",
        outcomes=RecordedOutcomesProperties(
            as_of=data.as_of, label_source=data.label_source, measured=0, accounts=0, left=0,
            unknown=0, waiting=0, open=3, next_closes_at="2026-12-29T00:00:00+00:00",
            estimated={
                "auc": Estimated(0.700, 0.608, 0.777), "log_loss": Estimated(0.2421, 0.1942, 0.2997)
            },
        ),
        judged=BlessingProperties(
            blessed=True, current_model_id=1, model_version=CHALLENGER, auc=0.65934, log_loss=0.2394
        ),
        bands_worth=worth_on_evaluation(),
        monitoring=MonitoringProperties(
            as_of=data.as_of,
            publication_id=1,
            measures=213,
            notes=(
                "Events of accounts and areas: 1 told, 32 left out: 32 silent when first seen; "
                "`tens-insight events` lists them.",
                "The feedback speaks for: customers changed. share of area 'performance': +0.294 "
                "since 14 days. share of area 'billing': -0.077 since 14 days. share of area "
                "'features': -0.094 since 14 days. share of area 'ui_ux': -0.063 since 14 days.",
            ),
        ),
    )  # fmt: skip


def tuned() -> TuningSummary:
    """A tuning run on the demo's world, with the defaults of its day."""
    data = examples_properties(as_of="2026-11-25T00:00:00+00:00")
    split = Split(cutoffs("2026-02-24", 12, "2026-07-28"), 16273, 1324)
    return TuningSummary(
        run_id="",
        database="postgres@localhost:5432/tens_insight",
        state_dir=STATE,
        data=replace(data, splits={"train": split}),
        tuner_run=TUNER_RUN,
        values=FOUND,
        settings_values={"learning_rate": 0.002, "epochs": 16, "l2": 0.002, "dropout": 0.5,
                         "hidden_units": [32, 16]},
        log_loss=0.2333,
        settings_log_loss=0.2336,
        trials=12,
        folds="3 by time, the newest training cutoffs",
        data_gate=data_checks(18, 1),
    )  # fmt: skip


def printed(render: Callable[[Console], None]) -> str:
    stream = io.StringIO()
    render(Console(file=stream, width=80, soft_wrap=True, markup=False, emoji=False))
    return stream.getvalue()


def compare(page: str, begin: str, renewed: str) -> None:
    """Compares the rest of a block, from the line that begins so, or writes it again."""
    path = ROOT / page
    text = path.read_text(encoding="utf-8")
    shown = re.search(rf"^{begin}.*?(?=^```$)", text, re.MULTILINE | re.DOTALL)
    assert shown is not None
    if WRITE:
        path.write_text(text.replace(shown[0], renewed), encoding="utf-8")
    else:
        assert shown[0] == renewed, "if it is meant: WRITE_SAMPLES=1"


def test_the_summary_of_the_first_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = printed(lambda out: render_summary(trained(), out)).lstrip("\n")
    whole, tables = re.subn(r"The checks of .*?\n\n", "", text, flags=re.DOTALL)
    assert tables == 1
    compare("README.md", "Published 1446 ", whole)


def test_the_summary_says_where_accounts_were_left_out() -> None:
    run = trained()
    splits = {**run.data.splits, "train": replace(run.data.splits["train"], available=20_000)}
    thinned = replace(run, data=replace(run.data, splits=splits))
    said = printed(lambda out: render_summary(thinned, out))
    assert "16273 of 20000 examples (12 cutoffs" in said
    assert " 1406 examples (2026-09-30)" in said


def test_the_summary_says_what_a_sink_did_not_take() -> None:
    run = replace(trained(), untold=("Sink ping: http://hc.example.com: it answered 500.",))
    said = printed(lambda out: render_summary(run, out))
    assert re.search(
        r"^warning +Sink ping: http://hc\.example\.com: it answered 500\.$", said, re.MULTILINE
    )
    assert run.as_json()["untold"] == run.untold


def test_the_summary_of_a_tuning_run() -> None:
    text = printed(lambda out: render_tuning(tuned(), out)).lstrip("\n")
    compare("docs/tuning.md", "Measured 12 ", text)


def test_the_steps_of_a_run_are_its_nodes() -> None:
    shown = STEP.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    nodes = [node.id for node in training.create_pipeline(default_settings()).components]
    assert [one for one in shown if one not in OUTSIDE] == nodes


def said_in(page: str) -> str:
    return " ".join((ROOT / page).read_text(encoding="utf-8").split())


def test_a_model_says_where_its_hyperparameters_come_from() -> None:
    run = tuned()
    tuner = HyperParametersProperties(
        tuner_run=run.tuner_run, values=run.values, settings_values=run.settings_values,
        log_loss=run.log_loss, settings_log_loss=run.settings_log_loss, trials=run.trials,
        folds=run.folds, as_of=run.data.as_of, label_source=run.data.label_source,
        horizon_days=60, train_cutoffs="", train_examples=16273,
    )  # fmt: skip
    task = ModelProperties(label_source=tuner.label_source, horizon_days=60)
    chosen = choose({SET_EXPLICITLY: ["l2"]}, task, tuner)
    card = ModelProperties(
        hyperparameters=FOUND | {"l2": 0.004}, hyperparameters_from=chosen.origin
    )
    assert f"trained with {hyperparameters_words(card)}" in said_in("docs/tuning.md")


def test_a_second_run_says_whom_it_met(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = re.search(r"/var/lib/tens-insight: (train, run .*? process \d+)", said_in(RUNS))
    assert shown is not None
    with (
        run_lock(tmp_path, shown[1]),
        pytest.raises(StateDirectoryBusy) as met,
        run_lock(tmp_path, "another"),
    ):
        pass
    said = str(met.value).replace(str(tmp_path), "/var/lib/tens-insight")
    assert f"$ tens-insight run score Error: {said} $ echo $? {STATE_DIRECTORY_BUSY}" in said_in(
        "docs/runs.md"
    )
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))
    with logging_restored(), attempted("train", load_settings()) as attempt:
        holder = attempt.holder
        attempt.complete(sentence="")
    kind = r"train, run \d{8}T\d{6}\.\d{3}-[0-9a-f]{4}, by \S+ on \S+, process \d+"
    assert re.fullmatch(kind, holder)
    assert re.fullmatch(kind, shown[1].replace("tens-insight on", "user on"))


def test_the_health_check_says_that_all_is_well() -> None:
    last = SimpleNamespace(publication_id=4, model_version="20261128-5d7faa05")
    status = SimpleNamespace(scores=SimpleNamespace(last=last), age=timedelta(hours=3.2))
    assert f"--max-age 26h {well_sentence(status)} $ echo $? 0" in said_in(RUNS)


def test_a_store_of_another_database_is_refused(tmp_path: Path) -> None:
    folder = "/srv/tens-insight/var"
    own = f"postgres@{folder}/postgres/socket:5432/tens_insight"
    shelf = make_shelf(tmp_path / "metadata.sqlite")
    shelf.train("v1", blessed=True)
    store = MetadataStore(connection_config(shelf.path))
    write_store(store, replace(read_store(store), database_id="4f6f2b0a-1", database_name=own))
    named = DatabaseIdentity("9d30a1c7-1", "tens_insight@db.example.com:5432/goinsight")
    with pytest.raises(OtherDatabase) as refused:
        require_database(store, named, f"sqlite {folder}/metadata.sqlite")
    said = f"Error: {refused.value} [exit code {CONFIGURATION_INVALID}]"
    assert f"$ tens-insight run score {said}" in said_in("docs/state.md")
