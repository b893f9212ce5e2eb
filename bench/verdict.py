"""Whether the pipeline's model lies below a reference model by more than chance."""

from collections.abc import Sequence

from bench.score_table import Score

REFERENCE = "LightGBM"
HIGHER_IS_BETTER = {"AUC": True, "log-loss": False}


def below(scores: Sequence[Score], reference: str = REFERENCE) -> dict[str, bool]:
    """Returns by metric whether the whole paired interval is on the reference model's side.

    Args:
        scores: Of score_models.
        reference: A model among them.

    Raises:
        ValueError: The reference model was not measured.
    """
    gaps = {score.metric: score.gap_interval for score in scores if score.model == reference}
    found = {}
    for metric, higher in HIGHER_IS_BETTER.items():
        limits = gaps.get(metric)
        if limits is None:
            raise ValueError(
                f"{reference} has no paired interval of {metric}: it was not measured."
            )
        found[metric] = limits[1] < 0 if higher else limits[0] > 0
    return found


def verdict_line(scores: Sequence[Score], reference: str = REFERENCE) -> str:
    """Returns the answer in a line."""
    said = (
        f"{metric} {'yes' if worse else 'no'}" for metric, worse in below(scores, reference).items()
    )
    return f"below {reference} by the paired interval: {', '.join(said)}"
