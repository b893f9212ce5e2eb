"""Properties come back as they were written, from every kind of artifact."""

from dataclasses import fields, replace
from typing import Any

import pytest
from ml_metadata.proto import metadata_store_pb2
from tfx.components.evaluator import constants
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from components.errors import RegistryInconsistent
from components.registry import artifact_names
from components.registry.input_properties import ExamplesProperties, Spellings, Split
from components.registry.model_properties import BlessingProperties, ModelProperties
from components.registry.published_properties import PublishedScoresProperties, UnseenValues

SCORES = PublishedScoresProperties(
    as_of="2026-06-01T00:00:00+00:00",
    model_version="20260601-0a1b2c3d",
    published_at="2026-06-01T05:00:00+00:00",
    publication_id=7,
    published_count=100,
    removed_count=0,
    mean_probability=0.25,
    risk_bands="capacity: the 10 % of accounts at the top, 100% sure",
    risk_bands_mode="capacity",
    categories={"critical": 10, "low": 90},
    unseen={"tier": UnseenValues(0.5, ("a\\b", "%5C", "größte")), "area": UnseenValues(0.0)},
)


@pytest.fixture(params=["tfx", "proto"])
def artifact(request: pytest.FixtureRequest) -> Any:
    if request.param == "tfx":
        return standard_artifacts.Examples()
    return metadata_store_pb2.Artifact()


def custom_properties(artifact: Any) -> Any:
    return getattr(artifact, "mlmd_artifact", artifact).custom_properties


def test_what_was_written_is_read(artifact: Any) -> None:
    SCORES.write(artifact)
    assert PublishedScoresProperties.read(artifact) == SCORES


def test_names_and_types_of_what_is_recorded(artifact: Any) -> None:
    SCORES.write(artifact)
    found = custom_properties(artifact)
    assert found["model_version"].string_value == "20260601-0a1b2c3d"
    assert found["mean_probability"].double_value == 0.25
    assert found["category_critical"].int_value == 10
    assert found["unseen_area_share"].double_value == 0.0
    assert "unseen_area_examples" not in found
    assert "divided_ties" not in found
    assert not any("\\" in one.string_value for one in found.values())


def test_an_int_beyond_32_bits_survives_a_database_that_has_32(artifact: Any) -> None:
    written = replace(SCORES, publication_id=2**31, published_count=2**31 - 1)
    written.write(artifact)
    assert custom_properties(artifact)["publication_id"].string_value == str(2**31)
    assert custom_properties(artifact)["published_count"].int_value == 2**31 - 1
    assert PublishedScoresProperties.read(artifact) == written


def test_numbers_that_kubeflow_made_floats_are_ints_again(artifact: Any) -> None:
    SCORES.write(artifact)
    for value in custom_properties(artifact).values():
        if value.WhichOneof("value") == "int_value":
            value.double_value = float(value.int_value)
    found = PublishedScoresProperties.read(artifact)
    assert found == SCORES
    assert type(found.published_count) is type(found.categories["low"]) is int


def test_a_bool_is_the_number_that_resolvers_of_tfx_look_for(artifact: Any) -> None:
    BlessingProperties(blessed=True, current_model_id=3).write(artifact)
    assert custom_properties(artifact)["blessed"].int_value == 1
    assert BlessingProperties.read(artifact).blessed is True


def test_mappings_are_json_text(artifact: Any) -> None:
    model = ModelProperties(model_version="v", settings={"l2": 0.1, "a": ["größte", None]})
    model.write(artifact)
    text = '{"l2": 0.1, "a": ["größte", null]}'
    assert custom_properties(artifact)["settings"].string_value == text
    assert model.as_plain()["settings"] == text
    assert ModelProperties.read(artifact) == model
    assert ModelProperties.from_plain(model.as_plain()) == model


def test_groups_of_properties_are_flat_for_json() -> None:
    examples = ExamplesProperties(
        as_of="",
        label_source="inactivity",
        duplicate_events="keep",
        **{one.name: 1 for one in fields(ExamplesProperties) if one.type is int},
        splits={"train": Split("a,b", 10, 2, 0.2)},
        spellings={"topic": Spellings(1, 2, (("Login", "login"),))},
    )
    found = examples.as_json()
    assert (found["train_cutoffs"], found["train_examples"]) == ("a,b", 10)
    assert found["topic_spelling_examples"] == (("Login", "login"),)
    assert "eval_examples" not in found
    assert "late_rows" not in found
    assert examples.splits["train"].cutoff_list == ["a", "b"]


def test_an_artifact_whose_node_failed_says_nothing(artifact: Any) -> None:
    assert PublishedScoresProperties.read_if_written(artifact) is None
    SCORES.write(artifact)
    assert PublishedScoresProperties.read_if_written(artifact) == SCORES


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("published_count", None, "published_count: Field required"),
        ("published_count", "many", "published_count: Input should be a valid integer"),
        ("unseen_tier_examples", "[", "unseen_tier_examples: expected JSON, got '\\['"),
    ],
)
def test_what_nobody_wrote_so_is_named(
    artifact: Any, name: str, value: str | None, said: str
) -> None:
    SCORES.write(artifact)
    found = custom_properties(artifact)
    if value is None:
        del found[name]
    else:
        found[name].string_value = value
    with pytest.raises(RegistryInconsistent, match=said):
        PublishedScoresProperties.read(artifact)


def test_names_of_tfx_are_its_own() -> None:
    names = {one.name for one in fields(BlessingProperties)}
    assert {
        constants.ARTIFACT_PROPERTY_BLESSED_KEY,
        constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY,
        constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY,
        constants.ARTIFACT_PROPERTY_BASELINE_MODEL_URI_KEY,
        constants.ARTIFACT_PROPERTY_BASELINE_MODEL_ID_KEY,
    } <= names
    assert artifact_names.saved_model_path("/m") == path_utils.serving_model_path("/m")
    for name in ("EXAMPLES", "MODEL", "MODEL_RUN", "MODEL_BLESSING", "MODEL_EVALUATION"):
        type_name = getattr(artifact_names, name)
        assert type_name == getattr(standard_artifacts, type_name).TYPE_NAME
    assert standard_artifacts.PushedModel.TYPE_NAME == artifact_names.PUSHED_MODEL
    assert standard_artifacts.HyperParameters.TYPE_NAME == artifact_names.HYPERPARAMETERS
