"""The two definitions, compiled as every runner compiles them."""

import json

import pytest
from tfx.dsl.compiler import compiler
from tfx.proto.orchestration import pipeline_pb2

from components.config import plain
from components.registry.judged import GATE_NODE
from components.registry.strategy import ChampionStrategy
from pipeline import local_runner, scoring, training, tuning
from pipeline import nodes as wiring
from pipeline.registry.metadata_store import require_recordable
from pipeline.settings import ConfigurationInvalid, load_settings
from transforms.product_area_impact import SIGNALS


def compiled(module, **settings):
    definition = module.create_pipeline(load_settings(**settings))
    return compiler.Compiler().compile(definition)


def nodes(pipeline):
    return {
        node.pipeline_node.node_info.id: list(node.pipeline_node.upstream_nodes)
        for node in pipeline.nodes
    }


def config_of(pipeline, node):
    """The settings that a component is given."""
    (found,) = [
        one.pipeline_node.parameters.parameters["config"]
        for one in pipeline.nodes
        if one.pipeline_node.node_info.id == node
    ]
    return json.loads(found.field_value.string_value)


def before(graph, node):
    """Everything that must have run before a node does."""
    found = set()
    waiting = list(graph[node])
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += graph[one]
    return found


@pytest.fixture(scope="module")
def train_graph():
    return nodes(compiled(training))


@pytest.fixture(scope="module")
def score_graph():
    return nodes(compiled(scoring))


@pytest.mark.parametrize(
    "node", ["Transform", "ModelTrainer", "Evaluator", "ModelGate", "Pusher", "AccountScorer"]
)
def test_nothing_is_learnt_or_published_before_the_data_gate(train_graph, node):
    assert "DataGate" in before(train_graph, node)


def test_outcomes_are_recorded_once_the_scores_are_published(train_graph, score_graph):
    for graph in (train_graph, score_graph):
        assert set(graph["OutcomeRecorder"]) == {"FeedbackExampleGen", "AccountScorer"}


def test_the_champion_is_resolved_after_the_gate(train_graph):
    assert "ModelGate" in before(train_graph, "Champion")
    assert "Champion" in train_graph["AccountScorer"]
    assert {"ModelTrainer", "ModelGate"}.isdisjoint(before(train_graph, "FormerChampion"))


def test_nothing_is_learnt_beside_a_damaged_champion(train_graph):
    assert "FormerChampion" in before(train_graph, "Transform")
    assert "FormerChampion" in before(train_graph, "ModelTrainer")


def test_the_report_comes_after_everything(train_graph):
    assert before(train_graph, "ModelReview") == train_graph.keys() - {"ModelReview"}
    assert [node for node in train_graph if "ModelReview" in train_graph[node]] == []


@pytest.mark.parametrize(("module", "count"), [(training, 4), (scoring, 2), (tuning, 0)])
def test_only_work_of_nodes_that_come_later_is_begun_early(module, count):
    definition = module.create_pipeline(load_settings())
    assert len(local_runner.followers(definition)) == count


@pytest.mark.parametrize("module", [training, scoring])
def test_what_is_published_is_monitored_and_waits_for_no_monitor(module):
    graph = nodes(compiled(module))
    assert "AccountScorer" in graph["Monitor"]
    assert "Monitor" not in before(graph, "AccountScorer")


def test_the_report_is_written_whatever_became_of_the_others():
    strategies = {
        one.pipeline_node.node_info.id: one.pipeline_node.execution_options.strategy
        for one in compiled(training).nodes
    }
    in_any_case = pipeline_pb2.NodeExecutionOptions.ALL_UPSTREAM_NODES_COMPLETED
    assert [name for name, one in strategies.items() if one == in_any_case] == ["ModelReview"]


def test_the_settings_of_the_report_reach_it(tmp_path):
    given = {"review_dir": "gs://reports/here", "review_accounts": False, "l2": 0.125}
    (review,) = [
        one.pipeline_node
        for one in compiled(training, state_dir=tmp_path / "state", **given).nodes
        if one.pipeline_node.node_info.id == "ModelReview"
    ]
    found = review.parameters.parameters
    config = json.loads(found["config"].field_value.string_value)
    assert config == {
        "database_patience_seconds": 60.0,
        "review_dir": "gs://reports/here",
        "review_accounts": False,
    }
    assert json.loads(found["settings"].field_value.string_value)["l2"] == 0.125
    assert (
        json.loads(found["risk_bands"].field_value.string_value)
        == load_settings().scoring.bands.rule
    )
    root = found["pipeline_root"].field_value.string_value
    assert root.startswith(str(tmp_path / "state"))


def producers(module, node, artifact):
    """Returns the nodes whose artifacts of a type a node reads."""
    (found,) = [
        one.pipeline_node
        for one in compiled(module).nodes
        if one.pipeline_node.node_info.id == node
    ]
    return {
        query.name.field_value.string_value.rpartition(".")[2]
        for given in found.inputs.inputs.values()
        for one in given.channels
        if one.artifact_query.type.name == artifact
        for query in one.context_queries
        if query.type.name == "node"
    }


@pytest.mark.parametrize(
    ("module", "node"),
    [
        (training, "FormerChampion"),
        (training, "Champion"),
        (training, "Pusher"),
        (scoring, "Champion"),
    ],
)
def test_only_the_blessing_of_the_gate_counts(module, node):
    assert producers(module, node, "ModelBlessing") == {"ModelGate"}


def test_the_gate_judges_beside_the_former_champion_and_alone(train_graph):
    assert producers(training, "ModelGate", "ModelBlessing") == set()
    assert "Evaluator" in train_graph["ModelGate"]
    assert producers(training, "ModelGate", "Model") == {"ModelTrainer", "FormerChampion"}


def test_the_thresholds_of_the_settings_reach_the_gate():
    thresholds = {
        "min_auc": 0.61,
        "max_worsening": {"auc": 0.011, "pr_auc": 0.012, "log_loss": 0.013},
        "max_calibration_error": 0.014,
        "max_calibration_gap": 0.015,
        "min_slice_churned": 16,
        "min_slice_stayed": 17,
    }
    assert config_of(compiled(training, **thresholds), "ModelGate").items() >= thresholds.items()


def test_scoring_trains_nothing(score_graph):
    assert set(score_graph) == {
        "ImportSchemaGen",
        "FeedbackExampleGen",
        "StatisticsGen",
        "DataChecker",
        "DataGate",
        "Champion",
        "ShadowModels",
        "AccountScorer",
        "OutcomeRecorder",
        "ProductAreaScorer",
        "Monitor",
    }
    assert {"DataGate", "Champion"} <= before(score_graph, "AccountScorer")


def test_the_daily_run_is_compared_with_what_its_champion_learnt_from(score_graph, train_graph):
    assert score_graph["Champion"] == []
    assert "Champion" in score_graph["DataChecker"]
    for module, graph in ((scoring, score_graph), (training, train_graph)):
        assert {"Champion", "DataChecker", "StatisticsGen"} <= set(graph["Monitor"])
        assert producers(module, "Champion", "ExampleStatistics") == {"StatisticsGen"}
    assert score_graph["DataGate"] == ["DataChecker"]
    text = str(compiled(scoring))
    assert training.PIPELINE_NAME in text


@pytest.mark.parametrize("module", [training, scoring])
def test_the_bars_and_actions_of_the_settings_reach_the_gate(module):
    found = config_of(
        compiled(module, min_drift_accounts=4321, data_checks={"skew": "stop"}), "DataChecker"
    )
    assert found["min_drift_accounts"] == 4321
    assert found["data_checks"]["skew"] == "stop"
    assert found["data_checks"]["drift"] == "warn"


@pytest.mark.parametrize("module", [training, scoring])
def test_product_areas_depend_on_the_reading_alone(module):
    graph = nodes(compiled(module))
    assert graph["ProductAreaScorer"] == ["FeedbackExampleGen"]
    after = [node for node in graph if "ProductAreaScorer" in graph[node]]
    assert after == (["ModelReview"] if module is training else [])


def test_the_rule_of_the_settings_reaches_the_product_areas():
    weights = dict.fromkeys(SIGNALS, 0.0) | {"p5_feedback": 0.25, "recent_feedback": 0.75}
    pipeline = compiled(
        scoring,
        area_window_days=37,
        critical_priority=2,
        area_weights=weights,
        enterprise_segments=("vip",),
    )
    reading = config_of(pipeline, "FeedbackExampleGen")
    assert (reading["area_window_days"], reading["critical_priority"]) == (37, 2)
    areas = config_of(pipeline, "ProductAreaScorer")
    assert (areas["area_weights"], areas["enterprise_segments"]) == (weights, ["vip"])


@pytest.mark.parametrize("module", [training, scoring, tuning])
def test_nothing_is_cached(module):
    for node in compiled(module).nodes:
        assert not node.pipeline_node.execution_options.caching_options.enable_cache


@pytest.mark.parametrize("module", [training, scoring, tuning])
def test_no_address_is_compiled_into_a_pipeline(module, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:hunter2@db.example.com/goinsight")
    text = str(compiled(module))
    assert "hunter2" not in text
    assert "db.example.com" not in text


def test_the_settings_reach_the_reader():
    given = {"horizon_days": 33, "churn_table": "crm.churned", "duplicate_events": "keep"}
    found = config_of(compiled(training, **given), "FeedbackExampleGen")
    assert {name: found[name] for name in given} == given


GROUPS = {
    "FeedbackExampleGen": "reading",
    "DataChecker": "data_gate",
    "AccountScorer": "scoring",
    "ProductAreaScorer": "areas",
    "ModelGate": "model_gate",
    "ModelReview": "review",
    "Monitor": "monitoring",
}


@pytest.mark.parametrize("module", [training, scoring, tuning])
def test_each_component_gets_its_group_of_settings_whole(module):
    settings = load_settings(accept_shift="Groß", eval_cutoff="2026-01-01", horizon_days=33)
    pipeline = compiler.Compiler().compile(module.create_pipeline(settings))
    found = {node: config_of(pipeline, node) for node in nodes(pipeline) if node in GROUPS}
    assert found == {node: plain(getattr(settings, GROUPS[node])) for node in found}


def test_tuning_publishes_nothing_and_waits_for_the_data_gate():
    graph = nodes(compiled(tuning))
    assert set(graph) == {
        "ImportSchemaGen",
        "FeedbackExampleGen",
        "StatisticsGen",
        "ExampleValidator",
        "DataChecker",
        "DataGate",
        "Transform",
        "ModelTuner",
    }
    assert "DataGate" in before(graph, "ModelTuner")


def test_tuning_never_reads_the_evaluation_snapshot():
    text = str(compiled(tuning))
    assert r'string_value: "[\"train\"]"' in text
    assert r"\"eval\"" not in text


def test_training_takes_what_the_newest_tuning_run_found():
    graph = nodes(compiled(training))
    assert "TunedHyperparameters" in graph["ModelTrainer"]
    assert f'"{wiring.TUNING_PIPELINE}.ModelTuner"' in str(compiled(training))
    assert "TunedHyperparameters" not in nodes(compiled(training, hyperparameters="settings"))


def test_what_is_set_explicitly_is_told_to_trainer_and_tuner():
    for module in (training, tuning):
        text = str(compiled(module, l2=0.05, seed=3))
        assert r"\"set_explicitly\": [\"l2\"]" in text


def test_with_everything_set_there_is_nothing_to_tune():
    every = {"epochs": 9, "learning_rate": 0.001, "l2": 0.1, "dropout": 0.1, "hidden_units": (8,)}
    with pytest.raises(ConfigurationInvalid, match=r"TENS_INSIGHT_L2, .* are all set"):
        compiled(tuning, **every)


def test_beam_gets_the_options_of_the_settings():
    definition = training.create_pipeline(load_settings(beam_pipeline_args=("--runner=Elsewhere",)))
    assert definition.beam_pipeline_args == ["--runner=Elsewhere"]
    local = training.create_pipeline(load_settings())
    assert any("FnApiRunner" in argument for argument in local.beam_pipeline_args)


@pytest.mark.parametrize("module", [training, scoring])
def test_the_champion_rule_resolves_every_champion(module):
    """Resolvers name their strategy by its path in the compiled pipeline."""
    path = f"{ChampionStrategy.__module__}.{ChampionStrategy.__name__}"
    for node in compiled(module).nodes:
        if node.pipeline_node.node_info.id in ("Champion", "FormerChampion"):
            graphs = str(node.pipeline_node.inputs)
            assert path in graphs
            assert "LatestBlessedModel" not in graphs


def test_scoring_takes_the_blessings_that_the_registry_takes():
    (champion,) = [
        node.pipeline_node
        for node in compiled(scoring).nodes
        if node.pipeline_node.node_info.id == "Champion"
    ]
    assert f'"{training.PIPELINE_NAME}.{GATE_NODE}"' in str(champion.inputs)


def test_the_settings_reach_the_model_without_those_of_one_machine(tmp_path):
    text = str(compiled(training, l2=0.125, state_dir=tmp_path / "here-only"))
    (config,) = [line for line in text.splitlines() if "model_card" in line]
    assert r"\"l2\": 0.125" in config
    assert "here-only" not in config


def test_what_postgres_cannot_record_is_refused_where_ml_metadata_is_there(monkeypatch):
    plain, quoted = compiled(scoring), compiled(scoring, enterprise_segments=('"big"',))
    require_recordable(quoted)
    monkeypatch.setenv("METADATA_DATABASE_URL", "postgresql://me@host/metadata")
    require_recordable(plain)
    require_recordable(compiled(training))
    with pytest.raises(ConfigurationInvalid, match="config of node ProductAreaScorer"):
        require_recordable(quoted)
