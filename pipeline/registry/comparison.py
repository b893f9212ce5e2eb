"""Finds what two models need to be compared, and what is recorded of them and differs."""

from pathlib import Path

from components.account_scorer.champion import MUST_AGREE
from components.model_review.sections.compared import Comparison
from components.model_review.sections.comparison import evaluate_both
from components.registry.artifact_names import saved_model_path
from components.registry.input_properties import ExamplesProperties
from components.registry.model_properties import ModelProperties
from pipeline.registry.differences import data_differences, setting_differences
from pipeline.registry.lineage import has_split, trained_from
from pipeline.registry.listing import find_model
from pipeline.registry.matured import AskMatured, matured_of
from pipeline.registry.registry import Artifact, Registry


def compare_models(
    registry: Registry,
    version_a: str,
    version_b: str,
    top: int,
    ask_matured: AskMatured | None = None,
) -> Comparison:
    """Compares two models.

    On outcomes that are known by now, where there are enough of them. Else both are judged on the
    evaluation set of the one whose evaluation cutoff is the newest: no label window of either's
    training reaches into that one's.

    Args:
        registry: Where they are recorded.
        version_a: The one, or a beginning that no other has.
        version_b: The other, likewise.
        top: How many accounts to return whose probability differs most.
        ask_matured: Asks for outcomes; None: the evaluation set is taken.

    Raises:
        UnknownModel: No model has that version; names the nearest.
        RegistryInconsistent: Two models have one version.
    """
    a, b = find_model(registry, version_a), find_model(registry, version_b)
    matured, why_not = matured_of(a.properties, b.properties, ask_matured)
    newer = max(a, b, key=lambda one: (one.properties.eval_cutoffs, one.artifact_id))
    _, examples = trained_from(registry, newer)
    obstacle = "" if matured else _obstacle(a, b, newer, examples)
    evaluation = None
    if matured is None and not obstacle and examples is not None:
        evaluation = evaluate_both(
            examples.uri,
            (saved_model_path(a.uri), saved_model_path(b.uri)),
            version=newer.properties.model_version,
            cutoff=newer.properties.eval_cutoffs,
            lookback_days=examples.properties.lookback_days,
            top=top,
        )
    return Comparison(
        a=a.properties.model_version,
        b=b.properties.model_version,
        evaluation=evaluation,
        not_compared=obstacle,
        data=data_differences(a.properties, b.properties),
        settings=setting_differences(a.properties, b.properties),
        matured=matured,
        not_matured=why_not,
    )


def _obstacle(
    a: Artifact[ModelProperties],
    b: Artifact[ModelProperties],
    newer: Artifact[ModelProperties],
    examples: Artifact[ExamplesProperties] | None,
) -> str:
    """Returns why two models cannot be judged on one evaluation set; empty if they can."""
    unlike = [
        f"{name} is {getattr(a.properties, name)} and {getattr(b.properties, name)}"
        for name in MUST_AGREE
        if getattr(a.properties, name) != getattr(b.properties, name)
    ]
    if unlike:
        return (
            f"They learnt from examples that are cut differently ({', '.join(unlike)}), so no "
            "evaluation set is fair to both. What follows is what ML Metadata says of them."
        )
    for model in (a, b):
        path = saved_model_path(model.uri)
        if not Path(path).is_dir():
            version = model.properties.model_version
            return f"The files of model {version} are gone: {path} does not exist."
    if examples is None or not has_split(examples, "eval"):
        where = f": {examples.uri}/Split-eval does not exist or is empty" if examples else ""
        return (
            f"The files of the evaluation set of {newer.properties.model_version} are gone"
            f"{where}. Train again to compare with a new model."
        )
    return ""
