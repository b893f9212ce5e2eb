"""Do the examples keep the schema?"""

from collections.abc import Iterator
from typing import Final

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from components.data_checker.checks import Check, verdict_on
from components.feedback_example_gen.cutoffs import SCORE
from transforms.schema import SERVING

SCHEMA: Final = "schema"


def check_anomalies(split: str, anomalies: anomalies_pb2.Anomalies) -> Iterator[Check]:
    """Yields one check for the split, or one for each anomaly of severity ERROR."""
    errors = _errors(anomalies)
    if not errors:
        yield _check(f"{split}: schema", split, "none", "")
    for name, what in errors:
        message = (
            f"in the split {split}, {name} breaks the schema: {what} "
            "(transforms/schema/schema.pbtxt says what is allowed)"
        )
        yield _check(f"{split}: schema, {name}", split, what, message)


def _check(name: str, split: str, found: str, message: str) -> Check:
    threshold = "no anomaly of severity ERROR"
    return Check(name, SCHEMA, (split,), found, threshold, verdict_on(not message), message)


def _errors(anomalies: anomalies_pb2.Anomalies) -> list[tuple[str, str]]:
    """Returns what breaks the schema, and how."""
    infos = sorted(anomalies.anomaly_info.items())
    if anomalies.HasField("dataset_anomaly_info"):
        infos.append(("the data set", anomalies.dataset_anomaly_info))
    errors = [
        (name, info.description or info.short_description)
        for name, info in infos
        if info.severity == anomalies_pb2.AnomalyInfo.ERROR
    ]
    if anomalies.data_missing:
        errors.append(("the data set", "there are no data"))
    return errors


def validate_score_split(
    statistics: statistics_pb2.DatasetFeatureStatisticsList, schema: schema_pb2.Schema
) -> Iterator[Check]:
    """Yields the checks of unlabelled examples, which ExampleValidator cannot make."""
    anomalies = tfdv.validate_statistics(statistics, schema, environment=SERVING)
    yield from check_anomalies(SCORE, anomalies)
