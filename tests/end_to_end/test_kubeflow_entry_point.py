"""Both pipelines as Kubeflow runs them, beside local runs of the same snapshot.

Each task is the compiled command of TFX's own container entry point; see the emulator.
"""

import contextlib
import json
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from ml_metadata.proto import metadata_store_pb2
from psycopg2 import sql

from pipeline import scoring, training
from pipeline.registry.metadata_store import open_store
from tests.conftest import with_login
from tests.end_to_end.conftest import (
    ACCOUNTS_BLESSED,
    AREAS,
    AS_OF,
    CANARY,
    DETAILS,
    SCORES,
    SMALLEST_BLESSED,
    installation_with,
)
from tests.end_to_end.kubeflow_emulator import Emulator

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group(name="wiring")]

EVENTS = metadata_store_pb2.Event.Type
STATES = metadata_store_pb2.Execution.State


class Cluster:
    """An installation of its own with the same world as the local one, run task by task."""

    def __init__(self, installation, metadata_url, folder, settings):
        self.installation, self.metadata_url, self.settings = installation, metadata_url, settings
        self.root, self.specs = folder / "root", folder / "specs"
        self.root.mkdir()
        self.logs = ""

    def cli(self, *arguments):
        return self.installation.run(
            *arguments, METADATA_DATABASE_URL=self.metadata_url, **self.settings
        )

    def compile(self):
        """Compiles where the databases are known, so that nothing but care keeps them out."""
        root = {"TENS_INSIGHT_KUBEFLOW_PIPELINE_ROOT": str(self.root), "TENS_INSIGHT_AS_OF": ""}
        self.settings = {**self.settings, **root}
        return self.cli("compile", "--output", str(self.specs))

    def pipeline(self, name):
        secret = {"DATABASE_URL": self.installation.url, "METADATA_DATABASE_URL": self.metadata_url}
        return Emulator(self.specs / f"{name}.yaml", self.root, secret)

    def run(self, name, run_id):
        """Runs a pipeline; returns the emulator and the tasks that ended."""
        emulator = self.pipeline(name)
        ended = emulator.run(run_id, as_of=AS_OF.isoformat())
        self.logs += "".join(task.log for task in ended.values())
        return emulator, ended


@pytest.fixture(scope="module")
def cluster(postgres_server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster")
    state, accounts = folder / "state", ACCOUNTS_BLESSED
    with installation_with(postgres_server, state, "strong", accounts) as installation:
        name, role = postgres_server.create_database(), urlsplit(installation.url).username
        owner = sql.SQL("ALTER DATABASE {} OWNER TO {}")
        postgres_server.execute(owner.format(sql.Identifier(name), sql.Identifier(role)))
        url = with_login(postgres_server.url(name), role, CANARY)
        try:
            yield Cluster(installation, url, folder, SMALLEST_BLESSED)
        finally:
            postgres_server.drop_database(name)


@pytest.fixture(scope="module")
def compiled(cluster):
    return cluster.compile()


@pytest.fixture(scope="module")
def train_run(cluster, compiled):
    """The emulator and the tasks of a training run where no model was ever blessed."""
    return cluster.run(training.PIPELINE_NAME, "train-1")


@pytest.fixture(scope="module")
def rows_after_training(cluster, train_run):
    return {query: cluster.installation.query(query) for query in (SCORES, AREAS, DETAILS)}


@pytest.fixture(scope="module")
def score_run(cluster, rows_after_training):
    """The same for the daily run after it."""
    return cluster.run(scoring.PIPELINE_NAME, "score-1")


def assert_all_succeeded(run):
    emulator, ended = run
    failed = {name: task.log[-3000:] for name, task in ended.items() if task.code}
    assert failed == {}
    assert set(ended) == set(emulator.spec.root.dag.tasks)


def test_every_task_of_both_pipelines_comes_to_its_end(compiled, train_run, score_run):
    assert compiled.code == 0, compiled.err
    assert_all_succeeded(train_run)
    assert_all_succeeded(score_run)


def test_training_there_publishes_what_training_here_does(
    published_by_training, areas_by_training, rows_after_training
):
    there = rows_after_training
    assert there[SCORES] == [row[:5] for row in published_by_training]
    assert there[AREAS] == areas_by_training


def test_the_reasons_and_details_are_the_same_too(details_by_training, rows_after_training):
    assert rows_after_training[DETAILS] == details_by_training


def test_scoring_there_publishes_what_scoring_here_does(cluster, published_by_scoring, score_run):
    assert cluster.installation.query(SCORES) == [row[:5] for row in published_by_scoring]


def test_there_was_no_champion_first_and_then_there_was(train_run, score_run):
    _, trained_tasks = train_run
    _, scored_tasks = score_run
    former, now = (trained_tasks[one].outputs["model"] for one in ("FormerChampion", "Champion"))
    assert former.metadata["absent"] == 1
    assert now.uri == trained_tasks["ModelTrainer"].outputs["model"].uri
    assert scored_tasks["Champion"].outputs["model"].uri == now.uri
    assert "absent" not in now.metadata


def executions(store, pipeline):
    """Returns what a pipeline's first run recorded: type, state and events of each node."""
    run = min(
        one.id
        for one in store.get_contexts_by_type("pipeline_run")
        if pipeline in {parent.name for parent in store.get_parent_contexts_by_context(one.id)}
    )
    return dict(_executions(store, run))


def _executions(store, run):
    for execution in store.get_executions_by_context(run):
        contexts = store.get_contexts_by_execution(execution.id)
        (node,) = [one.name for one in contexts if one.type == "node"]
        events = store.get_events_by_execution_ids([execution.id])
        artifacts = store.get_artifacts_by_id([one.artifact_id for one in events])
        types = {one.id: one.type for one in artifacts}
        yield (
            node,
            (
                execution.type,
                STATES.Name(execution.last_known_state),
                Counter(
                    (EVENTS.Name(one.type), step.key, types[one.artifact_id])
                    for one in events
                    for step in one.path.steps
                    if step.key
                ),
            ),
        )


@pytest.mark.parametrize("pipeline", [training.PIPELINE_NAME, scoring.PIPELINE_NAME])
def test_ml_metadata_says_of_a_run_there_what_it_says_of_one_here(
    cluster, installation, scored, score_run, pipeline, monkeypatch
):
    here = executions(open_store(installation.state_dir / "metadata.sqlite"), pipeline)
    monkeypatch.setenv("METADATA_DATABASE_URL", cluster.metadata_url)
    there = executions(open_store(Path("not-used")), pipeline)
    assert there == here


def test_the_registry_reads_models_and_their_lineage(cluster, score_run):
    listed = json.loads(cluster.cli("models", "list", "--json").out)
    (model,) = listed["models"]
    assert (model["gate"], model["champion"]) == ("blessed", True)
    rows = len(cluster.installation.query(SCORES))
    assert model["rows_published"] == 2 * rows > 400
    shown = json.loads(cluster.cli("models", "show", model["version"], "--json").out)
    assert shown["run"]["run_id"] == "train-1"
    assert shown["run"]["state"] == "complete"
    assert shown["examples_present"]
    assert shown["exported"]["found"] == "as recorded"
    runs = cluster.installation.query("SELECT DISTINCT run_id FROM tens_insight.publications")
    assert {one for (one,) in runs} == {"train-1", "score-1"}


def test_status_and_report_answer(cluster, score_run):
    status = cluster.cli("status", "--json")
    assert status.code == 0, status.err
    runs = {run["run_id"]: run for run in json.loads(status.out.splitlines()[-1])["runs"]}
    assert {"train-1", "score-1"} <= runs.keys()
    assert runs["score-1"]["log"] == ""
    report = cluster.cli("report", "--json")
    assert report.code == 0, report.err


def test_the_report_is_written_beside_the_other_artifacts(train_run):
    _, ended = train_run
    folder = Path(ended["ModelReview"].outputs["review"].uri)
    review = json.loads((folder / "review.json").read_text())
    assert review["head"]["run_id"] == "train-1"
    assert "performance" not in dict(review["missing"])
    assert (folder / "review.html").stat().st_size > 100_000


def test_a_publisher_that_is_tried_again_publishes_once(cluster, score_run):
    emulator, ended = score_run
    before = cluster.installation.query("SELECT count(*) FROM tens_insight.publications")
    first = ended["AccountScorer"].outputs["scores"]
    again = emulator.run_task("AccountScorer", "score-1", {})
    assert again.code == 0, again.log[-3000:]
    assert cluster.installation.query("SELECT count(*) FROM tens_insight.publications") == before
    found = again.outputs["scores"]
    assert (found.uri, found.metadata["publication_id"]) == (
        first.uri,
        first.metadata["publication_id"],
    )


def test_a_withdrawn_model_is_champion_there_no_longer(cluster, score_run):
    emulator, ended = score_run
    (model,) = json.loads(cluster.cli("models", "list", "--json").out)["models"]
    withdrawn = cluster.cli("models", "withdraw", model["version"], "--reason", "a test")
    assert withdrawn.code == 0, withdrawn.err
    with _kept(ended, "Champion"):
        ended["Champion"] = emulator.run_task("Champion", "score-2", {})
        scorer = emulator.run_task("AccountScorer", "score-2", {})
    assert scorer.code != 0
    assert "NothingToPublish: There is no champion" in scorer.log


@contextlib.contextmanager
def _kept(ended, name):
    before = ended[name]
    try:
        yield
    finally:
        ended[name] = before


def test_no_secret_is_in_a_spec_an_artifact_or_a_log(cluster, score_run):
    files = [
        path
        for folder in (cluster.specs, cluster.root)
        for path in folder.rglob("*")
        if path.is_file()
    ]
    assert len(files) > 50
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == []
    assert CANARY not in cluster.logs
    assert "Executor components" in cluster.logs
