"""Statistics made in this process, beside those of TFDV on Beam."""

import gzip
from pathlib import Path
from typing import Any

import pytest
import tensorflow_data_validation as tfdv
from apache_beam.options.pipeline_options import PipelineOptions
from tfx.types import artifact_utils, standard_artifacts

from components.data_checker.statistics import ValueCounts, accounts, features
from components.feedback_example_gen.example_batches import example_files
from components.statistics_gen import looked_at as module
from components.statistics_gen.executor import Executor, statistics_of
from components.statistics_gen.looked_at import sample_rate
from pipeline.runners.arguments import LOCAL_BEAM_ARGS
from transforms import event_spec as spec
from transforms.schema import load_schema, schema_path


@pytest.fixture(scope="module")
def examples(judged: Any) -> Any:
    """Of a simulated world, three splits."""
    (found,) = judged.inputs["examples"]
    return found


def test_all_but_the_list_of_accounts_is_as_tfdv_gives_it_on_beam(
    examples: Any, tmp_path: Path
) -> None:
    (split,) = artifact_utils.get_split_uris([examples], "score")
    theirs = tfdv.generate_statistics_from_tfrecord(
        f"{split}/*",
        output_path=str(tmp_path / "theirs.pb"),
        stats_options=tfdv.StatsOptions(schema=load_schema()),
        pipeline_options=PipelineOptions(list(LOCAL_BEAM_ARGS)),
    )
    ours = statistics_of(example_files([split]), load_schema())
    assert accounts(ours) == accounts(theirs) > 100
    for statistics in (ours, theirs):
        listed = features(statistics)[spec.ACCOUNT_ID].string_stats
        listed.ClearField("top_values")
        listed.ClearField("rank_histogram")
    assert ours == theirs


def run(examples: Any, folder: Path) -> Any:
    schema, statistics = standard_artifacts.Schema(), standard_artifacts.ExampleStatistics()
    schema.uri, statistics.uri = str(schema_path().parent), str(folder)
    (folder / "schema").mkdir(parents=True)
    (folder / "schema" / "schema.pbtxt").write_bytes(schema_path().read_bytes())
    schema.uri = str(folder / "schema")
    Executor().Do({"examples": [examples], "schema": [schema]}, {"statistics": [statistics]}, {})
    return statistics


def loaded(statistics: Any, split: str) -> Any:
    path = Path(artifact_utils.get_split_uri([statistics], split)) / "FeatureStats.pb"
    return tfdv.load_stats_binary(str(path))


def test_a_large_split_is_sampled_and_the_artifact_says_so(
    examples: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(examples, tmp_path / "whole")
    assert whole.get_json_value_custom_property("sample_rate_by_split") == (
        '{"train": 1.0, "eval": 1.0, "score": 1.0}'
    )
    monkeypatch.setattr(module, "MOST_EXAMPLES", 1000)
    part = run(examples, tmp_path / "part")
    before, after = (loaded(one, "train").datasets[0].num_examples for one in (whole, part))
    rate = 1000 / before
    assert f'"train": {rate}' in part.get_json_value_custom_property("sample_rate_by_split")
    assert 850 < after < 1150
    assert loaded(part, "eval") == loaded(whole, "eval")
    known, found = (
        ValueCounts.of(features(loaded(one, "train"))["customer_tier"]) for one in (whole, part)
    )
    assert max(abs(known.share(word) - found.share(word)) for word in known.counts) < 0.06
    again = run(examples, tmp_path / "again")
    assert loaded(again, "train") == loaded(part, "train")


def test_up_to_the_limit_every_example_is_looked_at() -> None:
    assert sample_rate(0) == sample_rate(module.MOST_EXAMPLES) == 1
    assert sample_rate(4 * module.MOST_EXAMPLES) == 0.25


def test_a_split_without_examples_has_statistics_without_features(tmp_path: Path) -> None:
    path = tmp_path / "data_tfrecord-00000-of-00001.gz"
    with gzip.open(path, "wb"):
        pass
    found = statistics_of([str(path)], load_schema())
    assert features(found) == {}
